// A database whose graph an earlier version kept in a file.

import assert from 'node:assert/strict'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { open } from '../../index.js'
import { temporaryDirectory } from '../support/database'
import { DOCUMENTS, KEPT, STORES } from './graph-fixture'
import { graphOf } from './graphs'

const FIXTURES = join(__dirname, '..', '..', 'tests', 'fixtures')

test('the fixture is read with its graph, and brought up to date', async (t) => {
  const path = join(await temporaryDirectory(t), 'db')
  cpSync(join(FIXTURES, 'vector-graph'), path, { recursive: true })
  const db = await open(path, { mode: 'open', stores: STORES })
  const warnings: unknown[] = []
  db.on('warning', (warning: unknown) => warnings.push(warning))
  const docs = db.store('docs') as any
  assert.deepEqual(await docs.getAll(), DOCUMENTS)
  const explain = () => docs.nearest('near', [0, 0, 0]).explain()
  const told = await graphOf(explain, ({ notInGraph }) => notInGraph === 0)
  assert.equal(told.fromFile, KEPT)
  assert.equal(told.inGraph, KEPT + 90)
  assert.deepEqual(warnings, [])
  const found = async (vector: number[]) =>
    (await docs.nearest('near', vector, { k: 2 })).map(({ key, distance }: any) => [key, distance])
  assert.deepEqual(await found([7, 0, 1]), [
    [7, 0],
    [6, 1],
  ])
  assert.deepEqual(await found([50, 5, 0]), [
    [550, 0],
    [450, 1],
  ])
  // What the graph had there was deleted.
  assert.deepEqual(await found([95, 0, 0]), [
    [195, 1],
    [194, Math.SQRT2],
  ])
  assert.deepEqual((await db.verify({ level: 'full' })).findings, [])
  await db.close()
})

test('a graph in a file of a former kind is built anew, and kept', async (t) => {
  const path = join(await temporaryDirectory(t), 'db')
  cpSync(join(FIXTURES, 'vector-graph-usearch'), path, { recursive: true })
  const db = await open(path, { mode: 'open', stores: STORES })
  const warnings: any[] = []
  db.on('warning', (warning: unknown) => warnings.push(warning))
  const docs = db.store('docs') as any
  const explain = () => docs.nearest('near', [0, 0, 0]).explain()
  const told = await graphOf(explain, ({ inFile }) => inFile === DOCUMENTS.length)
  assert.deepEqual([told.fromFile, told.inGraph], [0, DOCUMENTS.length])
  assert.deepEqual(
    warnings.map(({ code }) => code),
    ['INCOMPATIBLE_VERSION'],
  )
  const [hit] = await docs.nearest('near', [7, 0, 1], { k: 1 })
  assert.deepEqual([hit.key, hit.distance], [7, 0])
  await db.close()
  const again = await open(path, { mode: 'open', stores: STORES })
  const read = () => (again.store('docs') as any).nearest('near', [0, 0, 0]).explain()
  await graphOf(read, ({ fromFile }) => fromFile === DOCUMENTS.length)
  await again.close()
})
