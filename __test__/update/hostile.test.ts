import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rejects } from '../support/database'
import { Updates } from './cases'

test('array indexes far beyond the end cost nothing but an error', async (t) => {
  const updates = await Updates.open(t)
  for (const index of [1_500_002, 2 ** 31, 2 ** 32 - 2]) {
    await rejects(updates.apply({ a: [1] }, { $set: { [`a.${index}`]: 1 } }), 'RESOURCE_LIMIT')
  }
  await rejects(updates.apply({ a: [1] }, { $set: { [`a.${2 ** 32}`]: 1 } }), 'INVALID_UPDATE')
  const filled = await updates.apply({ a: [1] }, { $set: { 'a.1500001': 2 } })
  assert.equal(filled.a.length, 1_500_002)
  assert.deepEqual([filled.a[1], filled.a.at(-1)], [null, 2])
  // Many of them would take gigabytes.
  const names = Array.from({ length: 100 }, (_, i) => `f${i}`)
  const document = Object.fromEntries(names.map((name) => [name, []]))
  const set = Object.fromEntries(names.map((name) => [`${name}.1500000`, 1]))
  await rejects(updates.apply(document, { $set: set }), 'RESOURCE_LIMIT')
})

test('large positions and slices of $push are those of the ends', async (t) => {
  const updates = await Updates.open(t)
  const push = async (modifiers: object) =>
    (await updates.apply({ a: [1, 2] }, { $push: { a: { $each: [3], ...modifiers } } })).a
  for (const large of [2 ** 32, 2 ** 40, 9e15]) {
    assert.deepEqual(await push({ $position: large }), [1, 2, 3])
    assert.deepEqual(await push({ $position: -large }), [3, 1, 2])
    assert.deepEqual(await push({ $slice: large }), [1, 2, 3])
    assert.deepEqual(await push({ $slice: -large }), [1, 2, 3])
  }
})

test('a small update of many elements cannot make a huge document', async (t) => {
  const updates = await Updates.open(t)
  const document = { a: Array.from({ length: 10_000 }, () => ({})) }
  const large = 'x'.repeat(100_000)
  await rejects(updates.apply(document, { $set: { 'a.$[].b': large } }), 'RESOURCE_LIMIT')
})

test('deep nesting is an error', async (t) => {
  const updates = await Updates.open(t)
  const deep = (levels: number): any => {
    let value: any = 1
    for (let i = 0; i < levels; i++) value = { a: value }
    return value
  }
  const path = Array.from({ length: 101 }, () => 'a').join('.')
  await rejects(updates.apply({}, { $set: { [path]: 1 } }), 'INVALID_UPDATE')
  assert.deepEqual(await updates.apply({}, { $set: { a: deep(990) } }), { a: deep(990) })
  await rejects(
    updates.apply({ a: { a: { a: {} } } }, { $set: { 'a.a.a.a': deep(997) } }),
    'DATA_CLONE',
  )
  let condition: object = { x: 1 }
  for (let i = 0; i < 200; i++) condition = { $and: [condition] }
  await rejects(updates.apply({}, { $pull: { a: condition } }), 'INVALID_QUERY')
})

test('many paths take time in proportion', async (t) => {
  const updates = await Updates.open(t)
  const names = Array.from({ length: 50_000 }, (_, i) => `name${i}`)
  const set = Object.fromEntries(names.map((name, i) => [name, i]))
  const inc = Object.fromEntries(names.map((name) => [name, 1]))
  const found = await updates.apply({}, { $set: set })
  assert.equal(Object.keys(found).length, 50_000)
  const next = await updates.apply(set, { $inc: inc })
  assert.equal(next.name49999, 50_000)
  const gone = await updates.apply(set, { $unset: inc })
  assert.deepEqual(gone, {})
})
