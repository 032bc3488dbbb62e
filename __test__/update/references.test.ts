import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rejects, temporaryDatabase } from '../support/database'
import { Updates } from './cases'

test('a path into a shared object changes that place alone', async (t) => {
  const updates = await Updates.open(t)
  const shared = { x: 1, y: { z: 1 } }
  const document = { a: shared, b: shared, c: [shared, shared] }
  const found = await updates.apply(document, { $set: { 'b.x': 2, 'c.1.y.z': 5 } })
  assert.deepEqual(found, {
    a: shared,
    b: { x: 2, y: { z: 1 } },
    c: [shared, { x: 1, y: { z: 5 } }],
  })
  // What was not touched is one object still.
  assert.equal(found.a, found.c[0])
  assert.notEqual(found.a, found.b)
})

test('a shared object outlives the place that it was written in', async (t) => {
  const updates = await Updates.open(t)
  const shared = { x: 1 }
  let found = await updates.apply({ a: shared, b: [shared], c: shared }, { $unset: { a: '' } })
  assert.deepEqual(found, { b: [{ x: 1 }], c: { x: 1 } })
  assert.equal(found.b[0], found.c)
  found = await updates.apply(
    { a: [1, shared], b: shared },
    { $push: { a: { $each: [shared], $sort: -1 } } },
  )
  assert.deepEqual(found, { a: [shared, shared, 1], b: shared })
  assert.equal(found.a[0], found.b)
  found = await updates.apply(
    { a: shared, b: { c: shared } },
    { $rename: { a: 'b.d', 'b.c': 'a2' } },
  )
  assert.deepEqual(found, { a2: shared, b: { d: shared } })
  assert.equal(found.a2, found.b.d)
})

test('cycles are kept, and never followed', async (t) => {
  const updates = await Updates.open(t)
  const document: any = { name: 'root', list: [] }
  document.self = document
  document.list.push(document)
  const found = await updates.apply(document, { $set: { name: 'changed', n: 1 } })
  assert.equal(found.self, found)
  assert.equal(found.list[0], found)
  assert.equal(found.name, 'changed')
  // The place becomes a copy, whose own cycle leads to the root.
  const inner = await updates.apply(document, { $set: { 'self.name': 'copy' } })
  assert.equal(inner.name, 'root')
  assert.equal(inner.self.name, 'copy')
  assert.equal(inner.self.self, inner)
  const pulled = await updates.apply(document, { $pull: { list: { name: 'other' } } })
  assert.equal(pulled, undefined)
  const added = await updates.apply(document, { $addToSet: { list: 1 } })
  assert.equal(added.list[0], added)
  assert.equal(added.list[1], 1)
})

test('array operators compare shared objects by what they hold', async (t) => {
  const updates = await Updates.open(t)
  const shared = { x: 1 }
  const document = { a: [shared, { x: 2 }], b: shared }
  assert.deepEqual((await updates.apply(document, { $pull: { a: { x: 1 } } })).a, [{ x: 2 }])
  assert.deepEqual((await updates.apply(document, { $pullAll: { a: [{ x: 1 }] } })).a, [{ x: 2 }])
  assert.equal(await updates.apply(document, { $addToSet: { a: { x: 1 } } }), undefined)
})

test('objects that an update has more than once become copies', async (t) => {
  const updates = await Updates.open(t)
  const shared = { x: 1 }
  const found = await updates.apply({}, { $set: { a: shared, b: [shared] } })
  assert.deepEqual(found, { a: { x: 1 }, b: [{ x: 1 }] })
  assert.notEqual(found.a, found.b[0])
  const cycle: any = {}
  cycle.cycle = cycle
  await rejects(updates.apply({}, { $set: { a: cycle } }), 'RESOURCE_LIMIT')
  // A few lines that mean billions of objects.
  let laughs: any = { ha: 'ha' }
  for (let i = 0; i < 40; i++) laughs = [laughs, laughs]
  await rejects(updates.apply({}, { $set: { a: laughs } }), 'RESOURCE_LIMIT')
})

test('many shared objects that lose their places do not nest without end', async (t) => {
  const updates = await Updates.open(t)
  const chain: any[] = [{}]
  for (let i = 1; i < 3000; i++) chain.push({ next: chain[i - 1] })
  await rejects(
    updates.apply({ chain }, { $push: { chain: { $each: [], $slice: -1 } } }),
    'DATA_CLONE',
  )
  const kept = await updates.apply({ chain }, { $push: { chain: { $each: [], $slice: -2999 } } })
  assert.equal(kept.chain.length, 2999)
  assert.equal(kept.chain[2998].next, kept.chain[2997])
})

test('$merge keeps what other fields share with those that it sets', async (t) => {
  const db = await temporaryDatabase(t, {
    stores: { from: { keyPath: 'id' }, to: { keyPath: 'id' } },
  })
  const shared = { x: 1 }
  const other = { y: 1 }
  await db.store('to').put({ id: 1, a: shared, b: shared })
  await db.store('from').put({ id: 1, a: other, c: other })
  await (db.store('from') as any).aggregate([{ $merge: { into: 'to' } }])
  assert.deepEqual(await db.store('to').get(1), { id: 1, a: other, b: shared, c: other })
})
