// Vector indexes: their definition, what writes of documents are refused, builds, and care.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { open, repair, restore } from '../../index.js'
import { untilCancelled } from '../support/check'
import { rejects, temporaryDatabase, temporaryDirectory, throws } from '../support/database'
import { assertCode } from '../support/errors'

const STORES = {
  docs: {
    keyPath: 'id',
    indexes: { byGroup: { on: 'group', unique: true } },
    vectors: { near: { on: 'in.vector', dimensions: 2 } },
  },
} as const

const near = async (store: any, vector: number[], options?: object) =>
  (await store.nearest('near', vector, options)).map(({ key }: any) => key)

async function whole(db: any) {
  const report = await db.verify({ level: 'full' })
  assert.deepEqual(report.findings, [])
}

test('a definition is checked', async (t) => {
  const path = await temporaryDirectory(t)
  for (const [vectors, where] of [
    [{ near: { dimensions: 3 } }, 'vectors.near.on'],
    [{ near: { on: 'v' } }, 'vectors.near.dimensions'],
    [{ near: { on: 'v', dimensions: 0 } }, 'vectors.near.dimensions'],
    [{ near: { on: 'v', dimensions: 65_537 } }, 'vectors.near.dimensions'],
    [{ near: { on: 'v', dimensions: 12, metric: 'hamming' } }, 'vectors.near.dimensions'],
    [{ near: { on: 'v', dimensions: 8, metric: 'angle' } }, 'vectors.near.metric'],
    [{ near: { on: ['v'], dimensions: 8 } }, 'vectors.near.on'],
    [{ near: { on: 'v', dimensions: 8, precision: 'f8' } }, 'vectors.near.precision'],
    [{ near: { on: 'v', dimensions: 8, mode: 'view' } }, 'vectors.near.mode'],
    [{ byGroup: { on: 'v', dimensions: 8 } }, 'vectors.byGroup'],
    ['near', 'vectors'],
  ] as const) {
    const stores = { docs: { indexes: { byGroup: { on: 'group' } }, vectors } }
    const opening = open(join(path, 'db'), { stores } as any)
    await rejects(opening, 'INVALID_ARGUMENT', { path: `options.stores.docs.${where}` })
  }
})

test('open creates what is missing, and refuses what differs', async (t) => {
  const path = join(await temporaryDirectory(t), 'db')
  await (await open(path, { stores: { docs: { keyPath: 'id' } } })).close()
  const db = await open(path, { stores: { docs: { keyPath: 'id', vectors: STORES.docs.vectors } } })
  assert.deepEqual(db.store('docs').vectorIndexNames, ['near'])
  assert.deepEqual(db.store('docs').indexNames, [])
  await db.close()
  const reopened = await open(path, {
    stores: { docs: { keyPath: 'id', vectors: STORES.docs.vectors } },
  })
  await reopened.close()
  const changes = [
    { dimensions: 3 },
    { on: 'vector' },
    { metric: 'l2' },
    { precision: 'i8' },
    { m: 4 },
  ]
  for (const change of changes as object[]) {
    const vectors = { near: { ...STORES.docs.vectors.near, ...change } }
    const [property] = Object.keys(change)
    const opening = open(path, { stores: { docs: { keyPath: 'id', vectors } } } as any)
    const at = `options.stores.docs.vectors.near.${property}`
    await rejects(opening, 'INVALID_ARGUMENT', { path: at, index: 'near' })
  }
})

test('documents with something else than vectors are refused', async (t) => {
  const db = await temporaryDatabase(t, { stores: STORES })
  const docs = db.store('docs') as any
  const refused = async (vector: unknown, code: any, message: RegExp) => {
    const details = { store: 'docs', index: 'near', path: 'in.vector' }
    const writes = [
      () => docs.put({ id: 1, in: { vector } }),
      () =>
        docs.putMany([
          { id: 2, in: { vector: [1, 1] } },
          { id: 1, in: { vector } },
        ]),
      () => docs.update(9, { $set: { 'in.vector': vector } }),
      () => docs.upsert({ id: 8, in: { vector } }),
    ]
    for (const write of writes)
      assert.match((await rejects(write(), code, details)).message, message)
  }
  await docs.put({ id: 9, in: { vector: [0, 1] } })
  for (const vector of [
    [1],
    [1, 2, 3],
    Float32Array.of(1),
    Float64Array.of(1, 2, 3),
    [[1, 2], [1]],
  ]) {
    await refused(
      vector,
      'DIMENSION_MISMATCH',
      /"in\.vector".*index "near".*\d dimensions instead of 2/,
    )
  }
  for (const [vector, message] of [
    [[1, Number.NaN], /component 1, which is not a finite number/],
    [Float32Array.of(Number.POSITIVE_INFINITY, 1), /component 0/],
    [[1, 1e39], /component 1/],
    [[0, -0], /zeros/],
    [['a', 1], /something else than vectors/],
    [[1, 'a'], /something else than a number as component 1/],
    // oxlint-disable-next-line no-sparse-arrays
    [[1, ,], /hole/],
    [[[1, 2], 3], /something else than vectors/],
    ['ab', /neither a typed array nor a list/],
    [{ 0: 1, 1: 2 }, /neither/],
    [new Uint8Array(2), /hamming/],
    [new Int16Array(2), /not a Float32Array/],
    [new ArrayBuffer(8), /not a Float32Array/],
  ] as const) {
    await refused(vector, 'VALIDATION', message)
  }
  await rejects(docs.put({ id: 1, in: [{ vector: [1, 2] }, { vector: 'x' }] }), 'VALIDATION')
  assert.deepEqual(await docs.getAllKeys(), [9])
  // A refused document costs its neighbours nothing.
  const written = await Promise.allSettled([
    docs.put({ id: 1, in: { vector: [1, 1] } }),
    docs.put({ id: 2, in: { vector: [1] } }),
    docs.put({ id: 3, in: { vector: [1, 0] } }),
  ])
  assert.deepEqual(
    written.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  )
  const result = await docs.putMany([{ id: 4, in: { vector: [1] } }, { id: 5 }], { atomic: false })
  assert.equal(result.errors[0].code, 'DIMENSION_MISMATCH')
  assert.deepEqual(await near(docs, [1, 0]), [3, 1, 9])
  await whole(db)
})

test('bits are bits', async (t) => {
  const vectors = { near: { on: 'v', dimensions: 16, metric: 'hamming' } } as const
  const db = await temporaryDatabase(t, { stores: { docs: { keyPath: 'id', vectors } } })
  const docs = db.store('docs') as any
  await docs.put({ id: 1, v: Buffer.from([255, 0]) })
  await docs.put({ id: 2, v: [Uint8Array.of(0, 0), Uint8Array.of(255, 255)] })
  await docs.put({ id: 3, v: Uint8Array.of(0, 0) })
  await rejects(docs.put({ id: 4, v: Uint8Array.of(1) }), 'DIMENSION_MISMATCH')
  await rejects(docs.put({ id: 4, v: Float32Array.of(1) }), 'VALIDATION')
  await rejects(docs.put({ id: 4, v: [1, 1] }), 'VALIDATION')
  assert.deepEqual(await near(docs, Uint8Array.of(0, 1) as any), [2, 3, 1])
  await rejects(near(docs, [1, 1]), 'INVALID_QUERY')
})

test('writes of every kind are seen at once', async (t) => {
  const db = await temporaryDatabase(t, { stores: STORES })
  const docs = db.store('docs') as any
  const doc = (id: number, x: number, y: number) => ({ id, in: { vector: [x, y] } })
  await docs.putMany([doc(1, 1, 0), doc(2, 0, 1), doc(3, -1, 0)])
  await docs.put(doc(1, -1, -1))
  assert.deepEqual(await near(docs, [1, 0]), [2, 1, 3])
  await docs.update(3, { $set: { 'in.vector': [5, 0] } })
  assert.deepEqual(await near(docs, [1, 0]), [3, 2, 1])
  await docs.find({ id: 3 }).update({ $unset: { 'in.vector': 1 } })
  assert.deepEqual(await near(docs, [1, 0]), [2, 1])
  await docs.upsert({
    id: 3,
    in: {
      vector: [
        [3, 0],
        [0, 4],
      ],
    },
  })
  assert.deepEqual(await near(docs, [1, 0]), [3, 2, 1])
  await docs.delete(3)
  await docs.find({ id: 1 }).delete()
  assert.deepEqual(await near(docs, [1, 0]), [2])
  await rejects(docs.add(doc(2, 1, 0)), 'KEY_EXISTS')
  await rejects(
    db.transaction(async (tx) => {
      await (tx.store('docs') as any).put({ ...doc(7, 1, 0), group: 1 })
      await (tx.store('docs') as any).put({ ...doc(8, 1, 0), group: 1 })
    }),
    'UNIQUE_VIOLATION',
  )
  assert.deepEqual(await near(docs, [1, 0]), [2])
  await docs.putMany(Array.from({ length: 700 }, (_, i) => doc(i + 10, 1, i)))
  assert.equal(await docs.delete({ gte: 10, lt: 500 }), 490)
  assert.equal((await near(docs, [1, 0], { k: 1000 })).length, 211)
  await whole(db)
  await docs.clear()
  assert.deepEqual(await near(docs, [1, 0]), [])
  await docs.put(doc(4, 1, 1))
  assert.deepEqual(await near(docs, [1, 0]), [4])
  await whole(db)
})

test('an index is built from the documents that are there, while others write', async (t) => {
  const db = await temporaryDatabase(t, { stores: { docs: { keyPath: 'id' } } })
  const docs = db.store('docs') as any
  await docs.putMany(Array.from({ length: 5000 }, (_, id) => ({ id, v: id % 2 ? [id, 1] : null })))
  const steps: any[] = []
  const built = db.createVectorIndex('docs', 'near', 'v', {
    dimensions: 2,
    metric: 'l2',
    onProgress: (step) => steps.push(step),
  })
  await Promise.all([
    docs.put({ id: 1, v: [7000, 1] }),
    docs.put({ id: 4999, v: [8000, 1] }),
    docs.delete(3),
  ])
  await built
  assert.ok(steps.length > 2)
  assert.deepEqual(await near(docs, [0, 1], { k: 3 }), [5, 7, 9])
  assert.deepEqual(await near(docs, [9000, 1], { k: 2 }), [4999, 1])
  await whole(db)
  await rejects(db.createVectorIndex('docs', 'near', 'v', { dimensions: 2 }), 'INDEX_EXISTS')
  await rejects(db.createIndex('docs', 'near', 'v'), 'INDEX_EXISTS')
  await db.renameIndex('docs', 'near', 'nearest')
  assert.deepEqual(docs.vectorIndexNames, ['nearest'])
  await rejects(near(docs, [1, 1]), 'INDEX_NOT_FOUND')
  assert.equal((await docs.nearest('nearest', [1, 1])).length, 10)
  await db.deleteIndex('docs', 'nearest')
  assert.deepEqual(docs.vectorIndexNames, [])
  await docs.put({ id: 1, v: 'anything' })
  await whole(db)
})

test('a document without such vectors ends a build, which leaves nothing', async (t) => {
  const db = await temporaryDatabase(t, { stores: { docs: { keyPath: 'id' } } })
  const docs = db.store('docs') as any
  await docs.putMany(Array.from({ length: 3000 }, (_, id) => ({ id, v: [id + 1, 1] })))
  await docs.put({ id: 2500, v: [1, 2, 3] })
  const details = { store: 'docs', index: 'near', key: 2500, path: 'v' }
  const build = () => db.createVectorIndex('docs', 'near', 'v', { dimensions: 2 })
  await rejects(build(), 'DIMENSION_MISMATCH', details)
  assert.deepEqual(docs.vectorIndexNames, [])
  const inside = db.transaction((tx) =>
    tx.createVectorIndex('docs', 'near', 'v', { dimensions: 2 }),
  )
  await rejects(inside, 'DIMENSION_MISMATCH', details)
  await whole(db)
  await docs.delete(2500)
  await db.transaction(async (tx) => {
    await tx.createVectorIndex('docs', 'near', 'v', { dimensions: 2 })
    assert.equal((await near(tx.store('docs'), [1, 1], { k: 4000 })).length, 2999)
  })
  await whole(db)
})

test('an index that is being built is not read', async (t) => {
  const db = await temporaryDatabase(t, { stores: { docs: { keyPath: 'id' } } })
  const docs = db.store('docs') as any
  await docs.putMany(Array.from({ length: 20_000 }, (_, id) => ({ id, v: [id + 1, 1] })))
  const build = async (): Promise<void> => {
    let search: Promise<PromiseSettledResult<unknown>[]> | undefined
    const onProgress = () => void (search ??= Promise.allSettled([near(docs, [1, 1])]))
    await db.createVectorIndex('docs', 'near', 'v', { dimensions: 2, onProgress })
    for (const outcome of await search!) if (outcome.status === 'rejected') throw outcome.reason
  }
  const refused = await untilCancelled(build, () => db.deleteIndex('docs', 'near'))
  assertCode(refused, 'INDEX_NOT_READY')
  assert.equal(refused.index, 'near')
  const cancelled = (): Promise<unknown> => {
    const controller = new AbortController()
    const { signal } = controller
    const onProgress = (): void => controller.abort()
    return db.createVectorIndex('docs', 'other', 'v', { dimensions: 2, signal, onProgress })
  }
  assertCode(await untilCancelled(cancelled, () => db.deleteIndex('docs', 'other')), 'ABORTED')
  assert.deepEqual(docs.vectorIndexNames, ['near'])
})

test('names are those of no other index, and not those of IndexedDB', async (t) => {
  const db = await temporaryDatabase(t, { stores: STORES })
  await rejects(db.createVectorIndex('docs', 'byGroup', 'v', { dimensions: 2 }), 'INDEX_EXISTS')
  await rejects(db.renameIndex('docs', 'near', 'byGroup'), 'INDEX_EXISTS')
  await rejects(db.renameIndex('docs', 'byGroup', 'near'), 'INDEX_EXISTS')
  throws(() => (db.store('docs') as any).index('near'), 'INDEX_NOT_FOUND')
  await rejects((db.store('docs') as any).find({}).hint('near').toArray(), 'INDEX_NOT_FOUND')
})

test('copies, restored and repaired databases have the index', async (t) => {
  const directory = await temporaryDirectory(t)
  const path = join(directory, 'db')
  const db = await open(path, { stores: STORES })
  const docs = db.store('docs') as any
  await docs.putMany(Array.from({ length: 900 }, (_, id) => ({ id, in: { vector: [1, id + 1] } })))
  await docs.delete({ lt: 100 })
  const expected = await docs.nearest('near', [1, 0], { k: 20 })
  await db.backup(join(directory, 'plain'))
  await db.backup(join(directory, 'compact'), { compact: true })
  await db.compact()
  assert.deepEqual(await docs.nearest('near', [1, 0], { k: 20 }), expected)
  await whole(db)
  await db.close()
  await restore(join(directory, 'plain'), join(directory, 'restored'))
  await repair(path, join(directory, 'repaired'))
  for (const name of ['plain', 'compact', 'restored', 'repaired']) {
    const copy = await open(join(directory, name), { mode: 'open', stores: STORES })
    const store = copy.store('docs') as any
    assert.deepEqual(await store.nearest('near', [1, 0], { k: 20 }), expected, name)
    await store.put({ id: 5000, in: { vector: [1, 0] } })
    assert.deepEqual(await near(store, [1, 0], { k: 1 }), [5000])
    await whole(copy)
    await copy.close()
  }
})

test('an index of one sort is not taken for one of the other', async (t) => {
  const path = await temporaryDirectory(t)
  const vectors = { x: { on: 'v', dimensions: 2 } }
  const indexes = { x: { on: 'v' } }
  const first = await open(path, { stores: { a: { vectors }, b: { indexes } } })
  await first.close()
  await rejects(open(path, { stores: { a: { indexes } } }), 'INVALID_ARGUMENT', {
    path: 'options.stores.a.indexes.x',
  })
  await rejects(open(path, { stores: { b: { vectors } } }), 'INVALID_ARGUMENT', {
    path: 'options.stores.b.vectors.x',
  })
})
