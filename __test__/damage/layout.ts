/** Which bytes of a sound data file mean what: what damage to them must be noticed, and by whom. */

import { decodeKey } from '../../lib/key'
import { DataFile, type Node, type Page } from '../support/pages'

/** A stretch of the file. */
type Stretch = readonly [from: number, to: number]

/** A document. */
export interface Owner {
  tree: number
  key: unknown
}

/** A stretch that belongs to a document. */
interface Owned extends Owner {
  from: number
  to: number
}

/** What the bytes of a file are for. */
export interface Layout {
  file: DataFile
  /** For each byte: 0, it means nothing; 1, `verify` has to notice its change; 2, it may. */
  meaningful: Uint8Array
  /** How many documents each tree id has. */
  counts: Map<number, number>
  /** Pages of the list of free pages. */
  freeList: Set<number>
  /** The documents that changes of bytes at some places cost. */
  ownersOf: (places: readonly number[]) => Owner[]
}

const LONGEST = 1_900

/** The layout of a sound file in which nothing is known yet. */
export function newLayout(directory: string): Layout {
  const file = new DataFile(directory)
  return {
    file,
    meaningful: new Uint8Array(file.bytes.length),
    counts: new Map(),
    freeList: new Set(),
    ownersOf: () => [],
  }
}

/** The documents that have bytes on a page, by the page's number. */
type Owners = Map<number, Owned[]>

/** Reads a sound file that is not sealed. */
export function layoutOf(directory: string): Layout {
  const layout = newLayout(directory)
  const { file } = layout
  const owners: Owners = new Map()
  for (const name of ['meta', 'docs', 'index'] as const) {
    for (const page of file.tree(name)) mark(layout, page, name === 'docs' ? owners : undefined)
  }
  markTrees(layout)
  for (const page of file.pages(file.freeRoot)) markFreeList(layout, page)
  return { ...layout, ownersOf: (places) => ownersIn(file, owners, places) }
}

const MUST = 1
const MAY = 2

export function means(layout: Layout, ...stretches: Stretch[]): void {
  for (const [from, to] of stretches) layout.meaningful.fill(MUST, from, to)
}

function mayMean(layout: Layout, from: number, to: number): void {
  layout.meaningful.fill(MAY, from, to)
}

/** The number, kind, bounds and slots of a page. */
export function markHead(layout: Layout, { at, nodes }: Page): void {
  means(layout, [at, at + 8], [at + 10, at + 16 + nodes.length * 2])
}

/** Notes what the bytes of a page mean, and whose they are if somebody wants to know. */
export function mark(layout: Layout, page: Page, owners?: Owners): void {
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
    if (owners !== undefined) noteDocuments(layout, owners, node, stretches)
  }
}

/** Counts a document of a key that a tree's id stands before. */
export function noteDocument(layout: Layout, raw: Buffer): Owner {
  const [tree, key] = [raw[0]!, decodeKey(raw.subarray(1))]
  layout.counts.set(tree, (layout.counts.get(tree) ?? 0) + 1)
  return { tree, key }
}

/** The keys that are stored under a key of LMDB: one, or those of a bucket of long keys. */
export function entriesOf(key: Buffer, value: Buffer): Buffer[] {
  if (key.length <= LONGEST) return [key]
  const count = value.readUInt32LE(0)
  let start = 4 + count * 4
  return Array.from({ length: count }, (_, i) => {
    const length = value.readUInt32LE(start)
    const rest = value.subarray(start + 4, start + 4 + length)
    start = 4 + count * 4 + value.readUInt32LE(4 + i * 4)
    return Buffer.concat([key.subarray(0, LONGEST), rest])
  })
}

/** Notes where the documents of an entry are. */
function noteDocuments(layout: Layout, owners: Owners, node: Node, stretches: Stretch[]): void {
  const { file } = layout
  const run = stretches.length > 1 ? stretches[stretches.length - 1]![0] + 6 : node.data
  for (const raw of entriesOf(node.key, file.bytes.subarray(run, run + node.size))) {
    const document = noteDocument(layout, raw)
    for (const [from, to] of stretches) own(file, owners, { from, to, ...document })
  }
}

/** Notes on which pages a stretch is. */
function own({ pageSize }: DataFile, owners: Owners, owner: Owned): void {
  for (let page = Math.floor(owner.from / pageSize); page * pageSize < owner.to; page++) {
    const known = owners.get(page)
    if (known === undefined) owners.set(page, [owner])
    else known.push(owner)
  }
}

function ownersIn(file: DataFile, owners: Owners, places: readonly number[]): Owner[] {
  const found = new Set<Owner>()
  for (const place of places) {
    for (const owner of owners.get(Math.floor(place / file.pageSize)) ?? []) {
      if (place >= owner.from && place < owner.to) found.add(owner)
    }
  }
  return [...found]
}

/** The records of the four trees, but for what nothing reads. */
export function markTrees(layout: Layout): void {
  const { file } = layout
  const root = file.page(file.number(file.meta + 128))
  markHead(layout, root)
  for (const node of root.nodes) {
    means(layout, [node.at, node.data], [node.data + 4, node.data + 48])
  }
}

export function markFreeList(layout: Layout, page: Page): void {
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
