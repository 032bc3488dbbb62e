/** The pages of a data file, read and damaged without LMDB (`mdb.c`, data version 1). */

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const HEADER = 16
const NODE_HEADER = 8
const BIG_DATA = 1
/** The root of an empty tree. */
const NO_PAGE = 2n ** 64n - 1n

/** A node of a page. */
export interface Node {
  /** Where it begins in the file. */
  at: number
  flags: number
  key: Buffer
  /** Where its data begins in the file, and how long it is. */
  data: number
  size: number
}

/** A page of a tree. */
export interface Page {
  number: number
  at: number
  isLeaf: boolean
  nodes: Node[]
}

/** A data file in memory. */
export class DataFile {
  readonly path: string
  readonly bytes: Buffer
  readonly pageSize: number
  /** Where the newer meta page begins. */
  readonly meta: number

  constructor(directory: string) {
    this.path = join(directory, 'data.mdb')
    this.bytes = readFileSync(this.path)
    this.pageSize = this.bytes.readUInt32LE(40)
    const second = this.pageSize
    const id = (at: number): bigint => this.bytes.readBigUInt64LE(at + 144)
    this.meta = id(second) > id(0) ? second : 0
  }

  save(): void {
    writeFileSync(this.path, this.bytes)
  }

  number(at: number): number {
    return Number(this.bytes.readBigUInt64LE(at))
  }

  get lastPage(): number {
    return this.number(this.meta + 136)
  }

  /** The page of the root of the list of free pages. */
  get freeRoot(): number {
    return this.number(this.meta + 80)
  }

  page(number: number): Page {
    const at = number * this.pageSize
    const isLeaf = (this.bytes.readUInt16LE(at + 10) & 2) !== 0
    const count = (this.bytes.readUInt16LE(at + 12) - HEADER) / 2
    const nodes = Array.from({ length: count }, (_, slot) =>
      this.node(at, this.bytes.readUInt16LE(at + HEADER + slot * 2)),
    )
    return { number, at, isLeaf, nodes }
  }

  private node(page: number, offset: number): Node {
    const at = page + offset
    const length = this.bytes.readUInt16LE(at + 6)
    const key = this.bytes.subarray(at + NODE_HEADER, at + NODE_HEADER + length)
    const data = at + NODE_HEADER + length
    return {
      at,
      flags: this.bytes.readUInt16LE(at + 4),
      key,
      data,
      size: this.bytes.readUInt32LE(at),
    }
  }

  /** The child of a branch's node. */
  child(node: Node): number {
    return node.size + node.flags * 2 ** 32
  }

  /** The node of the main tree that has the record of one of the four trees. */
  record(name: 'meta' | 'docs' | 'index' | 'log'): Node {
    const root = this.page(this.number(this.meta + 128))
    return root.nodes.find(({ key }) => key.toString() === name)!
  }

  /** All pages below a root, the root first. */
  *pages(root: number): Generator<Page> {
    const page = this.page(root)
    yield page
    if (page.isLeaf) return
    for (const node of page.nodes) yield* this.pages(this.child(node))
  }

  /** The pages of one of the four trees. */
  tree(name: 'meta' | 'docs' | 'index' | 'log'): Page[] {
    const root = this.bytes.readBigUInt64LE(this.record(name).data + 40)
    return root === NO_PAGE ? [] : [...this.pages(Number(root))]
  }

  /** The pages in which an entry of a leaf has its value, if it has pages of its own. */
  overflow({ flags, data, size }: Node): { first: number; count: number } | null {
    if ((flags & BIG_DATA) === 0) return null
    return { first: this.number(data), count: Math.ceil((HEADER + size) / this.pageSize) }
  }
}
