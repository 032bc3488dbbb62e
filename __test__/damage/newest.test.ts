// The newest commit, where its meta page is lost, and what the commit before it had in its place.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { open, repair } from '../../index.js'
import { Blocks } from '../support/blocks'
import { temporaryDirectory } from '../support/database'
import { DataFile } from '../support/pages'
import { isSealed } from '../support/sealed'

const KEY = new Uint8Array(32).fill(7)
const DOCS = 1
const LEAF = 2

/** The pages that have older states of documents. */
function pagesBefore(file: DataFile): number[] {
  const current = new Set(file.tree('docs').map(({ number }) => number))
  const isBefore = (page: number): boolean => {
    const at = page * file.pageSize
    const isLeaf = file.number(at) === page && file.bytes.readUInt16LE(at + 10) === LEAF
    const [first] = isLeaf ? file.page(page).nodes : []
    return first?.key[0] === DOCS && !current.has(page)
  }
  return Array.from({ length: file.lastPage - 1 }, (_, i) => i + 2).filter(isBefore)
}

/** The same of a sealed file. */
function sealedPagesBefore(file: DataFile): number[] {
  const blocks = new Blocks(file, KEY)
  const root = blocks.node(blocks.roots[DOCS]!)
  const leaves = root.level === 0 ? [root.id] : root.children
  const isBefore = (page: number): boolean => {
    const at = page * file.pageSize
    const stored = file.bytes.subarray(at + 16, at + file.pageSize)
    const id = leaves.find((each) => blocks.opens(each, stored))
    return id !== undefined && blocks.blocks.get(id)!.page !== page
  }
  return Array.from({ length: file.lastPage - 1 }, (_, i) => i + 2).filter(isBefore)
}

for (const kind of isSealed ? ['encrypted'] : ['plain', 'encrypted']) {
  test(`what the newest commit wrote is found without its meta page: ${kind}`, async (t) => {
    const directory = await temporaryDirectory(t)
    const [path, target] = [join(directory, 'db'), join(directory, 'repaired')]
    const encryption = kind === 'encrypted' ? { key: KEY } : undefined
    const schema = { stores: { docs: { keyPath: 'id' } } } as const
    const db = (await open(path, { ...schema, encryption })) as any
    const docs = Array.from({ length: 300 }, (_, id) => ({
      id,
      version: 1,
      text: 'text '.repeat(9),
    }))
    await db.store('docs').putMany(docs)
    for (const version of [2, 3, 4, 5]) {
      docs[150]!.version = version
      await db.store('docs').put(docs[150])
      await db.flush()
    }
    await db.close()

    const file = new DataFile(path)
    const before = encryption === undefined ? pagesBefore(file) : sealedPagesBefore(file)
    assert.ok(before.length > 0)
    file.bytes.fill(0xa5, file.meta, file.meta + file.pageSize)
    for (const page of before) {
      const at = page * file.pageSize
      file.bytes.fill(0xa5, at, at + file.pageSize)
    }
    file.save()

    const report = await repair(path, target, { encryption })
    assert.equal(report.ok, false)
    assert.equal(report.stores[0]!.documents, docs.length)
    assert.ok(report.stores[0]!.uncertain > 0)
    const repaired = (await open(target, { mode: 'open', encryption })) as any
    t.after(() => repaired.close())
    assert.deepEqual(await repaired.store('docs').query({}).toArray(), docs)
    assert.deepEqual((await repaired.verify()).findings, [])
  })
}
