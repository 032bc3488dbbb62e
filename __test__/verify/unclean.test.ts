// Durability 'none' promises nothing once the machine has gone down: the next open looks.

import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { open, repair } from '../../index.js'
import { temporaryDirectory } from '../support/database'
import { fails } from '../support/errors'
import { DataFile } from '../support/pages'
import { PAGES, unlessSealed } from '../support/sealed'

const STORES = { s: { keyPath: 'id', indexes: { byN: { on: 'n' } } } } as const
const COUNT = 1_000

const markerOf = (path: string): string => join(path, 'lodestore.lock')

async function fill(t: TestContext): Promise<string> {
  const path = await temporaryDirectory(t)
  const db = (await open(path, { stores: STORES, durability: 'none' })) as any
  await db.store('s').putMany(Array.from({ length: COUNT }, (_, id) => ({ id, n: id % 5 })))
  assert.notEqual(readFileSync(markerOf(path), 'utf8'), '')
  await db.close()
  assert.equal(readFileSync(markerOf(path), 'utf8'), '')
  return path
}

/** What an open says. */
async function warningsOf(path: string, options: object = {}): Promise<any[]> {
  const db = await open(path, options)
  const warnings: any[] = []
  db.on('warning', (warning) => warnings.push(warning))
  await db.stats()
  await new Promise((resolve) => setImmediate(resolve))
  await db.close()
  return warnings
}

test('what was left unsynced is checked at the next open, which says so, once', async (t) => {
  const path = await fill(t)
  assert.deepEqual(await warningsOf(path), [])
  writeFileSync(markerOf(path), 'another boot')
  assert.equal((await warningsOf(path, { mode: 'readOnly' })).length, 1)
  const [warning] = await warningsOf(path)
  assert.equal(warning.code, 'CORRUPT')
  assert.match(warning.message, /1000 documents and 1000 index entries were checked and are whole/)
  assert.equal(readFileSync(markerOf(path), 'utf8'), '')
  assert.deepEqual(await warningsOf(path), [])
})

test(
  'what is damaged is not opened, until it is restored or repaired',
  unlessSealed(PAGES),
  async (t) => {
    const damages: [(file: DataFile) => void, object][] = [
      [
        (file) => {
          const leaf = file.tree('docs').find(({ isLeaf }) => isLeaf)!
          file.bytes[leaf.nodes[7]!.data + 2]! ^= 1
        },
        { store: 's', key: 7 },
      ],
      [
        (file) => {
          const leaf = file.tree('index').find(({ isLeaf }) => isLeaf)!
          file.bytes[leaf.at + 15]! ^= 0xff
        },
        {},
      ],
    ]
    for (const [damage, where] of damages) {
      const path = await fill(t)
      const file = new DataFile(path)
      damage(file)
      file.save()
      writeFileSync(markerOf(path), 'another boot')
      const error: any = await fails(() => open(path), 'CORRUPT')
      for (const [name, value] of Object.entries(where)) assert.equal(error[name], value)
      assert.match(error.message, /restore a backup, or save what can be read with repair/)
      await fails(() => open(path, { mode: 'readOnly' }), 'CORRUPT')
      assert.equal(readFileSync(markerOf(path), 'utf8'), 'another boot')
      const target = join(await temporaryDirectory(t), 'repaired')
      const { stores } = await repair(path, target)
      assert.ok(stores[0]!.documents >= COUNT - 1)
      assert.deepEqual(await warningsOf(target), [])
    }
  },
)
