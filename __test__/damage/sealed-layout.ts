/** Which bytes of a sound sealed data file mean what, and which documents damage to them costs. */

import { Blocks, type BlockNode } from '../support/blocks'
import {
  entriesOf,
  markFreeList,
  markTrees,
  means,
  mark,
  newLayout,
  noteDocument,
  type Layout,
  type Owner,
} from './layout'

const META = 0
const DOCS = 1

/** Records, of stores and of what documents are like. */
export const RECORDS: Owner = { tree: META, key: null }

/** A block of a tree, or a part of a blob, and the block that leads to it. */
interface Member {
  id: bigint
  parent: Member | undefined
  owners: Owner[]
}

/** Nothing, one of the two of some, or both of one. */
export type KeysHit = 'none' | 'one' | 'both'

/** What is known of a sealed file. */
export interface SealedLayout extends Layout {
  /** What damage to these places takes of identity, keys and epochs, each of which stands twice. */
  keysHit: (places: readonly number[]) => KeysHit
}

/** Reads a sound file. */
export function sealedLayoutOf(directory: string, key: Uint8Array): SealedLayout {
  const base = newLayout(directory)
  const { file } = base
  // What stands in clear, and its copies: the places of each record, by its name.
  const clear = (['meta', 'log'] as const).map((name) => {
    const places = new Map<number, string>()
    for (const page of file.tree(name)) {
      mark(base, page)
      for (const node of page.isLeaf ? page.nodes : []) {
        const record = node.key.toString('latin1')
        for (let at = node.at; at < node.data + node.size; at++) places.set(at, record)
      }
    }
    return places
  })
  for (const page of file.tree('docs')) mark(base, page)
  markTrees(base)
  for (const page of file.pages(file.freeRoot)) markFreeList(base, page)

  const blocks = new Blocks(file, key)
  const members: Member[] = []
  const visit = (id: bigint, parent: Member | undefined, tree: number): void => {
    const member: Member = { id, parent, owners: tree === META ? [RECORDS] : [] }
    members.push(member)
    const node = blocks.node(id)
    for (const child of node.children) visit(child, member, tree)
    if (tree === DOCS) note(base, blocks, member, node, members)
    else noteParts(blocks, member, node, members)
  }
  blocks.roots.forEach((root, tree) => visit(root, undefined, tree))
  if (members.length !== blocks.blocks.size) throw new Error('there are blocks that nothing needs')

  const stretchOf = new Map<bigint, { content: [number, number]; entry: [number, number] }>()
  for (const [id, { node, page, stored }] of blocks.blocks) {
    const start = page * file.pageSize + 16
    const entry: [number, number] = [node.at, node.data + 8]
    stretchOf.set(id, { content: [start, start + stored.length], entry })
    means(base, [start, start + stored.length])
  }
  const ownersOf = (places: readonly number[]): Owner[] => {
    const sorted = Float64Array.from(places).toSorted()
    const isHit = ([from, to]: [number, number]): boolean => {
      let [low, high] = [0, sorted.length]
      while (low < high) {
        const middle = (low + high) >> 1
        if (sorted[middle]! < from) low = middle + 1
        else high = middle
      }
      return low < sorted.length && sorted[low]! < to
    }
    // Parents come before what they lead to.
    const lost = new Set<bigint>()
    const owners: Owner[] = []
    for (const { id, parent, owners: own } of members) {
      const { content, entry } = stretchOf.get(id)!
      // Without LMDB's entry the id of a block is known from the block that leads to it, if from
      // anything.
      const isNameless = isHit(entry) && parent !== undefined && lost.has(parent.id)
      if (!isHit(content) && !isNameless) continue
      lost.add(id)
      owners.push(...own)
    }
    return owners
  }
  const keysHit = (places: readonly number[]): KeysHit => {
    const [records, copies] = clear.map(
      (names) => new Set(places.flatMap((at) => names.get(at) ?? [])),
    ) as [Set<string>, Set<string>]
    if ([...records].some((name) => copies.has(name))) return 'both'
    return records.size + copies.size > 0 ? 'one' : 'none'
  }
  return { ...base, ownersOf, keysHit }
}

/** Notes the documents of a leaf, and of the blobs that it refers to. */
function note(
  layout: Layout,
  blocks: Blocks,
  member: Member,
  node: BlockNode,
  members: Member[],
): void {
  for (const entry of node.entries) {
    const owners = entriesOf(entry.key, blocks.valueOf(entry)).map((raw) =>
      noteDocument(layout, raw),
    )
    member.owners.push(...owners)
    if (entry.value instanceof Buffer) continue
    for (const id of blocks.partsOf(entry.value)) members.push({ id, parent: member, owners })
  }
}

function noteParts(blocks: Blocks, member: Member, node: BlockNode, members: Member[]): void {
  for (const { value } of node.entries) {
    if (value instanceof Buffer) continue
    for (const id of blocks.partsOf(value)) members.push({ id, parent: member, owners: [] })
  }
}
