// A database whose graph an earlier version kept in a file.

import assert from 'node:assert/strict'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { open } from '../../index.js'
import { temporaryDirectory } from '../support/database'
import { DOCUMENTS, KEPT, STORES } from './graph-fixture'
import { graphOf } from './graphs'

const FIXTURE = join(__dirname, '..', '..', 'tests', 'fixtures', 'vector-graph')

test('the fixture is read with its graph, and brought up to date', async (t) => {
  const path = join(await temporaryDirectory(t), 'db')
  cpSync(FIXTURE, path, { recursive: true })
  const db = await open(path, { mode: 'open', stores: STORES })
  const warnings: unknown[] = []
  db.on('warning', (warning: unknown) => warnings.push(warning))
  const docs = db.store('docs') as any
  assert.deepEqual(await docs.getAll(), DOCUMENTS)
  const explain = () => docs.nearest('near', [0, 0, 0]).explain()
  const told = await graphOf(explain, ({ notInGraph }) => notInGraph === 0)
  // With another version of the library that builds graphs this is 0, and there is a warning.
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
