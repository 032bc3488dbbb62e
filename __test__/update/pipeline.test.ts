import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rejects, temporaryDatabase } from '../support/database'
import { Updates } from './cases'

test('a pipeline changes a document stage by stage', async (t) => {
  const updates = await Updates.open(t)
  const quizzes = { id: 1, tests: [95, 92, 90] }
  const pipeline = [
    { $set: { average: { $avg: '$tests' } } },
    { $set: { grade: { $cond: [{ $gte: ['$average', 90] }, 'A', 'B'] } } },
    { $unset: 'tests' },
  ]
  const { average, ...rest } = await updates.apply(quizzes, pipeline)
  assert.ok(Math.abs(average - 277 / 3) < 1e-9)
  assert.deepEqual(rest, { id: 1, grade: 'A' })
  assert.deepEqual(await updates.apply({ a: { b: 1 } }, [{ $replaceWith: '$a' }]), { b: 1 })
  assert.deepEqual(await updates.apply({ a: 1, b: 2 }, [{ $set: { a: '$b', b: '$a' } }]), {
    a: 2,
    b: 1,
  })
  assert.equal(await updates.apply({ a: 1 }, [{ $set: { a: { $literal: 1 } } }]), undefined)
})

test('what a pipeline may not do is refused', async (t) => {
  const updates = await Updates.open(t)
  for (const pipeline of [
    [],
    [5],
    [{ $match: {} }],
    [{ $group: { _id: null } }],
    [{ $foo: 1 }],
    [{ $out: 'x' }],
  ]) {
    await rejects(updates.apply({ a: 1 }, pipeline), 'INVALID_UPDATE')
  }
  const options = { arrayFilters: [{ x: 1 }] }
  await rejects(updates.apply({ a: 1 }, [{ $set: { a: 2 } }], options), 'INVALID_UPDATE')
  await rejects(updates.apply({ a: 'x' }, [{ $set: { a: { $add: ['$a', 1] } } }]), 'EXPRESSION')
  await rejects(updates.apply({ a: 1 }, [{ $replaceWith: '$a' }]), 'EXPRESSION')
})

test('pipelines keep keys, insert, and make shapes', async (t) => {
  const db = await temporaryDatabase(t, { stores: { a: { keyPath: 'id' } } })
  const store: any = db.store('a')
  const pipeline = [{ $set: { n: { $add: [{ $ifNull: ['$n', 0] }, 1] } } }]
  const upserted = await store.update(7, pipeline, { upsert: true })
  assert.deepEqual(upserted, { matched: 0, modified: 0, upserted: 7 })
  for (let i = 0; i < 9; i++) await store.update(7, pipeline)
  assert.deepEqual(await store.get(7), { id: 7, n: 10 })
  await rejects(store.update(7, [{ $set: { id: 8 } }]), 'KEY_IMMUTABLE')
  await rejects(store.update(7, [{ $replaceWith: { n: 1 } }]), 'KEY_IMMUTABLE')
})
