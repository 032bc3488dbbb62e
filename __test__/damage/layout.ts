/** Which bytes of a sound data file mean what: what damage to them must be noticed, and by whom. */

import { decodeKey } from '../../lib/key'
import { DataFile, type Node, type Page } from '../support/pages'

/** A stretch of the file. */
type Stretch = readonly [from: number, to: number]

/** A stretch that belongs to a document. */
export interface Owner {
  from: number
  to: number
  tree: number
  key: unknown
}

/** What the bytes of a file are for. */
export interface Layout {
  file: DataFile
  /** For each byte: 0, it means nothing; 1, `verify` has to notice its change; 2, it may. */
  meaningful: Uint8Array
  /** How many documents each tree id has. */
  counts: Map<number, number>
  /** The documents that have bytes on a page, by the page's number. */
  owners: Map<number, Owner[]>
  /** Pages of the list of free pages. */
  freeList: Set<number>
}

const LONGEST = 1_900

/** Reads a sound file. */
export function layoutOf(directory: string): Layout {
  const file = new DataFile(directory)
  const layout: Layout = {
    file,
    meaningful: new Uint8Array(file.bytes.length),
    counts: new Map(),
    owners: new Map(),
    freeList: new Set(),
  }
  for (const name of ['meta', 'docs', 'index'] as const) {
    for (const page of file.tree(name)) mark(layout, page, name === 'docs')
  }
  markTrees(layout)
  for (const page of file.pages(file.freeRoot)) markFreeList(layout, page)
  return layout
}

const MUST = 1
const MAY = 2

function means(layout: Layout, ...stretches: Stretch[]): void {
  for (const [from, to] of stretches) layout.meaningful.fill(MUST, from, to)
}

function mayMean(layout: Layout, from: number, to: number): void {
  layout.meaningful.fill(MAY, from, to)
}

/** The number, kind, bounds and slots of a page. */
function markHead(layout: Layout, { at, nodes }: Page): void {
  means(layout, [at, at + 8], [at + 10, at + 16 + nodes.length * 2])
}

function mark(layout: Layout, page: Page, isDocs: boolean): void {
  const { file } = layout
  markHead(layout, page)
  for (const node of page.nodes) {
    if (!page.isLeaf) {
      // Where a branch's keys lie between those of their children does not matter.
      means(layout, [node.at, node.at + 6])
      mayMean(layout, node.at + 6, node.data)
      continue
    }
    const run = file.overflow(node)
    const inPage: Stretch = [node.at, node.data + (run === null ? node.size : 8)]
    const stretches: Stretch[] = [inPage]
    if (run !== null) {
      const start = run.first * file.pageSize
      stretches.push([start, start + 8], [start + 10, start + 16 + node.size])
    }
    means(layout, ...stretches)
    if (isDocs) noteDocuments(layout, node, stretches)
  }
}

/** Notes where the documents of an entry are: one, or those of a bucket of long keys. */
function noteDocuments(layout: Layout, node: Node, stretches: Stretch[]): void {
  const { file } = layout
  const { size, data } = node
  const note = (raw: Buffer): void => {
    const [tree, key] = [raw[0]!, decodeKey(raw.subarray(1))]
    layout.counts.set(tree, (layout.counts.get(tree) ?? 0) + 1)
    for (const [from, to] of stretches) own(layout, { from, to, tree, key })
  }
  if (node.key.length <= LONGEST) return note(node.key)
  const run = stretches.length > 1 ? stretches[stretches.length - 1]![0] + 6 : data
  const value = file.bytes.subarray(run, run + size)
  const count = value.readUInt32LE(0)
  let start = 4 + count * 4
  for (let i = 0; i < count; i++) {
    const length = value.readUInt32LE(start)
    note(
      Buffer.concat([node.key.subarray(0, LONGEST), value.subarray(start + 4, start + 4 + length)]),
    )
    start = 4 + count * 4 + value.readUInt32LE(4 + i * 4)
  }
}

/** Notes on which pages a stretch is. */
function own(layout: Layout, owner: Owner): void {
  const { pageSize } = layout.file
  for (let page = Math.floor(owner.from / pageSize); page * pageSize < owner.to; page++) {
    const owners = layout.owners.get(page)
    if (owners === undefined) layout.owners.set(page, [owner])
    else owners.push(owner)
  }
}

/** The documents that have bytes at some places, by tree id. */
export function ownersOf({ owners, file }: Layout, places: readonly number[]): Owner[] {
  const found = new Set<Owner>()
  for (const place of places) {
    for (const owner of owners.get(Math.floor(place / file.pageSize)) ?? []) {
      if (place >= owner.from && place < owner.to) found.add(owner)
    }
  }
  return [...found]
}

/** The records of the four trees, but for what nothing reads. */
function markTrees(layout: Layout): void {
  const { file } = layout
  const root = file.page(file.number(file.meta + 128))
  markHead(layout, root)
  for (const node of root.nodes) {
    means(layout, [node.at, node.data], [node.data + 4, node.data + 48])
  }
}

function markFreeList(layout: Layout, page: Page): void {
  const { file } = layout
  layout.freeList.add(page.number)
  markHead(layout, page)
  for (const node of page.nodes) {
    mayMean(layout, node.at, node.data + (page.isLeaf ? 8 : 0))
    if (!page.isLeaf) continue
    const run = file.overflow(node)
    if (run !== null) {
      mayMean(layout, run.first * file.pageSize, run.first * file.pageSize + 16)
      for (let i = 0; i < run.count; i++) layout.freeList.add(run.first + i)
    }
    const list = run === null ? node.data : run.first * file.pageSize + 16
    // The number of pages, and the pages.
    means(layout, [list, list + 8 + file.number(list) * 8])
  }
}
