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

const DOCS = 1

/** A block of a tree, or a part of a blob, and the block that leads to it. */
interface Member {
  id: bigint
  parent: Member | undefined
  owners: Owner[]
}

/** What is known of a sealed file. */
export interface SealedLayout extends Layout {
  /** Whether damage to these places takes the identity, a key or an epoch. */
  takesKeys: (places: readonly number[]) => boolean
}

/** Reads a sound file. */
export function sealedLayoutOf(directory: string, key: Uint8Array): SealedLayout {
  const base = newLayout(directory)
  const { file } = base
  for (const page of file.tree('meta')) mark(base, page)
  const clear: number[] = []
  for (const page of file.tree('meta')) {
    for (const node of page.isLeaf ? page.nodes : []) {
      for (let at = node.at; at < node.data + node.size; at++) clear.push(at)
    }
  }
  for (const page of file.tree('docs')) mark(base, page)
  markTrees(base)
  for (const page of file.pages(file.freeRoot)) markFreeList(base, page)

  const blocks = new Blocks(file, key)
  const members: Member[] = []
  const visit = (id: bigint, parent: Member | undefined, tree: number): void => {
    const member: Member = { id, parent, owners: [] }
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
  const keyPlaces = new Set(clear)
  return { ...base, ownersOf, takesKeys: (places) => places.some((at) => keyPlaces.has(at)) }
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
