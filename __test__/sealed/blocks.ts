/** The blocks of encrypted databases, as their files show them. */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DataFile } from '../support/pages'

const HEADER = 16
const OVERFLOW = 4
const HEAD = 16
/** Where a record of the journal has its changes. */
const CHANGES = 72

/** An epoch: the number of its data key, and its random value. */
export interface Epoch {
  dataKey: number
  value: string
}

/** What is stored of a block in clear, and a digest of all of it. */
export interface Block {
  epoch: number
  nonce: string
  digest: string
}

/** What is stored of changes in a journal: what their key is derived with, in clear. */
export interface SealedChanges {
  value: string
  nonce: string
  digest: string
}

const digestOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

/** The records of the epochs of a database. */
export function epochsOf(file: DataFile): Map<number, Epoch> {
  const epochs = new Map<number, Epoch>()
  for (const { isLeaf, nodes } of file.tree('meta')) {
    for (const { key, data, size } of isLeaf ? nodes : []) {
      // The tree of the records is 0; the envelope is a byte before the payload, and a checksum.
      if (key[0] !== 0 || key[1] !== 'E'.charCodeAt(0)) continue
      assert.equal(size, 25)
      const dataKey = file.bytes.readUInt32LE(data + 1)
      const value = file.bytes.toString('hex', data + 5, data + 21)
      epochs.set(key.readUInt32BE(2), { dataKey, value })
    }
  }
  return epochs
}

function blockAt(file: DataFile, page: number): Block {
  const at = page * file.pageSize + HEADER
  const stored = file.bytes.subarray(at, at + file.pageSize - HEADER)
  const nonce = stored.toString('hex', 4, HEAD)
  return { epoch: stored.readUInt32LE(0), nonce, digest: digestOf(stored) }
}

/** The blocks that the newest state has. */
export function blocksOf(file: DataFile): Block[] {
  const blocks: Block[] = []
  for (const { isLeaf, nodes } of file.tree('docs')) {
    for (const node of isLeaf ? nodes : []) {
      const pages = file.overflow(node)
      assert.equal(pages?.count, 1, 'a block takes a page')
      blocks.push(blockAt(file, pages.first))
    }
  }
  return blocks
}

/** All blocks in the file, also those that were replaced and whose pages were not used again. */
export function everyBlockOf(file: DataFile): Block[] {
  const blocks: Block[] = []
  for (let page = 2; page <= file.lastPage; page++) {
    const at = page * file.pageSize
    if (at + file.pageSize > file.bytes.length) break
    const isOverflow = (file.bytes.readUInt16LE(at + 10) & OVERFLOW) !== 0
    if (isOverflow && file.number(at) === page && file.bytes.readUInt32LE(at + 12) === 1) {
      blocks.push(blockAt(file, page))
    }
  }
  return blocks
}

/** The sealed changes in a journal, whichever generation they are of. */
export function changesOf(directory: string): SealedChanges[] {
  const bytes = readFileSync(join(directory, 'data.journal'))
  const changes = []
  // Records begin at multiples of 512: one that begins behind others has not been written over.
  for (let at = 8_192; at + CHANGES < bytes.length; at += 512) {
    if (bytes.toString('latin1', at + 8, at + 16) !== 'LodeJrnC') continue
    const record = bytes.subarray(at, at + Number(bytes.readBigUInt64LE(at + 48)))
    const value = record.toString('hex', CHANGES + 4, CHANGES + 20)
    const nonce = record.toString('hex', CHANGES + 20, CHANGES + 32)
    changes.push({ value, nonce, digest: digestOf(record.subarray(CHANGES)) })
  }
  return changes
}

/** The data keys that a database's blocks are encrypted with, and those of its epochs. */
export function dataKeysOf(directory: string): { blocks: number[]; epochs: number[] } {
  const file = new DataFile(directory)
  const epochs = epochsOf(file)
  const used = new Set(blocksOf(file).map(({ epoch }) => epochs.get(epoch)!.dataKey))
  const recorded = new Set([...epochs.values()].map(({ dataKey }) => dataKey))
  return { blocks: [...used].toSorted(), epochs: [...recorded].toSorted() }
}
