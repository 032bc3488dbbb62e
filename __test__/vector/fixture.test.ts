// A database with vector indexes that an earlier version made.

import assert from 'node:assert/strict'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { open } from '../../index.js'
import { temporaryDirectory } from '../support/database'
import { DOCUMENTS, STORES } from './fixture'

const FIXTURE = join(__dirname, '..', '..', 'tests', 'fixtures', 'vector-index')

const found = async (store: any, index: string, vector: unknown) =>
  (await store.nearest(index, vector)).map(({ key, distance }: any) => [key, distance])

test('the fixture opens, is whole, is searched, and can be written', async (t) => {
  const path = join(await temporaryDirectory(t), 'db')
  cpSync(FIXTURE, path, { recursive: true })
  const readOnly = await open(path, { mode: 'readOnly', stores: STORES })
  const old = readOnly.store('docs') as any
  assert.deepEqual(await old.getAll(), DOCUMENTS)
  assert.deepEqual(old.vectorIndexNames, ['bits', 'near'])
  assert.deepEqual(await found(old, 'near', [0, 0]), [
    [1, 1],
    [2, 2],
    [3, 3],
    [6, 4.5],
  ])
  await readOnly.close()

  const db = await open(path, { mode: 'open', stores: STORES })
  const docs = db.store('docs') as any
  assert.deepEqual((await db.verify({ level: 'full' })).findings, [])
  await docs.put({ id: 7, place: [0, 0], in: { bits: Uint8Array.of(254, 255) } })
  await docs.delete(1)
  assert.deepEqual(await found(docs, 'bits', Uint8Array.of(255, 255)), [
    [4, 0],
    [7, 1],
    [2, 8],
  ])
  assert.deepEqual((await found(docs, 'near', [0, 0])).slice(0, 2), [
    [7, 0],
    [2, 2],
  ])
  assert.deepEqual((await db.verify({ level: 'full' })).findings, [])
  await db.close()
})
