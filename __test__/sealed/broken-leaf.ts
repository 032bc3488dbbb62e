/** Breaks leaves of documents in encrypted databases. */

import { hkdfSync } from 'node:crypto'
import { Blocks } from '../support/blocks'
import { DataFile } from '../support/pages'

export const KEY = new Uint8Array(32).fill(9)
const RECORDS = 0
const DOCS = 1
/** The key of the record that the keys of spaces are made from: it is in tree 0. */
const SPACES = Buffer.from('\0Y')

/** A document of which some 30 are in a leaf. */
export const documentOf = (id: number) => ({ id, text: `document ${id}`, pad: 'x'.repeat(100) })

/** The key of the spaces of a database. */
export function keyOfSpaces(path: string): Buffer {
  const blocks = new Blocks(new DataFile(path), KEY)
  const records = [blocks.node(blocks.roots[RECORDS]!)]
  for (const { level, children } of records) {
    if (level > 0) records.push(...children.map((id) => blocks.node(id)))
  }
  const { value } = records.flatMap(({ entries }) => entries).find(({ key }) => key.equals(SPACES))!
  // A byte stands before the payload of an envelope.
  const made = (value as Buffer).subarray(1, 33)
  return Buffer.from(hkdfSync('sha256', made, '', 'lodestore space', 32))
}

/** Breaks a leaf of the documents of a database that has nothing else; gives their keys. */
export function breakLeaf(path: string, what: 'text' | 'epoch', key: Uint8Array = KEY): number[] {
  const file = new DataFile(path)
  const blocks = new Blocks(file, key)
  let node = blocks.node(blocks.roots[DOCS]!)
  while (node.level > 0) node = blocks.node(node.children[node.children.length >> 1]!)
  const at = blocks.blocks.get(node.id)!.page * file.pageSize + 16
  if (what === 'text') file.bytes[at + 1_000]! ^= 1
  // An epoch that there is not.
  else file.bytes.writeUInt32LE(77, at)
  file.save()
  return keysOf(node.entries.length, node.entries[0]!.value as Buffer)
}

/** The keys of a leaf, which are numbers one after the other. */
function keysOf(count: number, envelope: Buffer): number[] {
  const [digits] = /(?<=document )\d+/.exec(envelope.toString('latin1'))!
  return Array.from({ length: count }, (_, i) => Number(digits) + i)
}
