// Graphs that somebody waits for.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { open, type LodestoreError } from '../../index.js'
import { rejects, temporaryDatabase, temporaryDirectory } from '../support/database'
import { Random, seed } from '../support/random'
import { clustered } from './clustered'

const DIMENSIONS = 64
const COUNT = 6_000
const encryption = { key: Uint8Array.from({ length: 32 }, (_, i) => i) }

const stores = (definition: object = {}) => ({
  docs: {
    keyPath: 'id',
    vectors: { near: { on: 'vector', dimensions: DIMENSIONS, ...definition } },
  },
})

async function fill(db: any, random: Random, count: number, from = 0) {
  const vector = clustered(random, { dimensions: DIMENSIONS, clusters: 50 })
  for (let at = 0; at < count; at += 1_000) {
    const some = Array.from({ length: Math.min(1_000, count - at) }, (_, i) => from + at + i)
    await db.store('docs').putMany(some.map((id) => ({ id, vector: vector() })))
  }
  return vector
}

const told = async (db: any, vector: any) =>
  (await db.store('docs').nearest('near', vector).explain()).nearest

for (const isSealed of [false, true]) {
  const what = isSealed ? 'an encrypted database' : 'a database'

  test(`the graph of ${what} has all when it was waited for`, async (t) => {
    const path = join(await temporaryDirectory(t), 'db')
    const unlocking = isSealed ? { encryption } : {}
    let db: any = await open(path, { ...unlocking, stores: stores(), durability: 'relaxed' })
    const vector = await fill(db, new Random(seed), COUNT)
    const progress: any[] = []
    await db.buildVectorGraph('docs', 'near', { onProgress: (each: any) => progress.push(each) })
    const { inGraph, notInGraph } = await told(db, vector())
    assert.deepEqual([inGraph, notInGraph], [COUNT, 0])
    assert.ok(progress.length > 0)
    for (const [i, { phase, done, total }] of progress.entries()) {
      assert.equal(phase, 'graph')
      assert.equal(total, COUNT)
      assert.ok(done <= total && done >= (progress[i - 1]?.done ?? 0), JSON.stringify(progress))
    }
    // What was committed since is added.
    await fill(db, new Random(seed + 1), 500, COUNT)
    await db.buildVectorGraph('docs', 'near')
    assert.equal((await told(db, vector())).notInGraph, 0)
    await db.close()
    db = await open(path, { ...unlocking, mode: 'readOnly' })
    await db.buildVectorGraph('docs', 'near')
    assert.equal((await told(db, vector())).inGraph, COUNT + 500)
    await db.close()
  })
}

test('a graph that is built anew has what there is', async (t) => {
  const db: any = await temporaryDatabase(t, { stores: stores() })
  const vector = await fill(db, new Random(seed), COUNT)
  await db.buildVectorGraph('docs', 'near')
  // Fewer than for which it would be built anew by itself.
  await db.store('docs').deleteMany(Array.from({ length: 1_000 }, (_, i) => i * 3))
  assert.equal((await told(db, vector())).inGraph, COUNT)
  await Promise.all([
    db.buildVectorGraph('docs', 'near', { rebuild: true }),
    db.store('docs').nearest('near', vector()),
  ])
  const { inGraph, gone, notInGraph } = await told(db, vector())
  assert.deepEqual([inGraph, gone, notInGraph], [COUNT - 1_000, 0, 0])
})

test('a graph that nobody waits for any more stays as it is, until it is searched', async (t) => {
  const db: any = await temporaryDatabase(t, { stores: stores({ efConstruction: 256, m: 32 }) })
  const many = 3 * COUNT
  const vector = await fill(db, new Random(seed), many)
  for (const how of ['signal', 'thrown'] as const) {
    const controller = new AbortController()
    const mistake = new Error('enough')
    const onProgress = ({ done }: { done: number }) => {
      if (done === 0) return
      if (how === 'thrown') throw mistake
      controller.abort(mistake)
    }
    const built = db.buildVectorGraph('docs', 'near', { onProgress, signal: controller.signal })
    await assert.rejects(built, (error: any) => {
      if (how === 'thrown') return error === mistake
      return error.code === 'ABORTED' && error.cause === mistake
    })
  }
  // A step may have been under way. A snapshot is no search in the newest state.
  await new Promise((resolve) => setTimeout(resolve, 500))
  const paused = await told(db, vector())
  assert.ok(paused.inGraph > 0 && paused.notInGraph > 0, JSON.stringify(paused))
  await db.buildVectorGraph('docs', 'near')
  const whole = await told(db, vector())
  assert.deepEqual([whole.inGraph, whole.notInGraph], [many, 0])
  // The one that there is stays if another one is given up.
  const controller = new AbortController()
  const onProgress = () => controller.abort()
  const options = { rebuild: true, onProgress, signal: controller.signal }
  await rejects(db.buildVectorGraph('docs', 'near', options), 'ABORTED')
  assert.equal((await told(db, vector())).inGraph, many)
})

test('who cancels ends it for nobody else', async (t) => {
  const db: any = await temporaryDatabase(t, { stores: stores() })
  const vector = await fill(db, new Random(seed), COUNT)
  for (const rebuild of [false, true]) {
    const controller = new AbortController()
    const others = [1, 2].map(() => db.buildVectorGraph('docs', 'near', { rebuild }))
    const { signal } = controller
    const own = rejects(db.buildVectorGraph('docs', 'near', { rebuild, signal }), 'ABORTED')
    controller.abort()
    await Promise.all([own, ...others])
    assert.equal((await told(db, vector())).notInGraph, 0)
  }
})

test('it is said why there can be no graph', async (t) => {
  const db: any = await temporaryDatabase(t, { stores: stores({ memoryLimit: 100_000 }) })
  const warnings: LodestoreError[] = []
  db.on('warning', (warning: LodestoreError) => warnings.push(warning))
  const vector = await fill(db, new Random(seed), COUNT)
  for (const rebuild of [false, true]) {
    const error = await rejects(db.buildVectorGraph('docs', 'near', { rebuild }), 'RESOURCE_LIMIT')
    assert.match(error.message, /memoryLimit/)
    assert.match((await told(db, vector())).because, /memoryLimit/)
  }
  for (let left = 500; warnings.length < 2 && left > 0; left--) {
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  assert.equal(warnings.length, 2)
  assert.ok(warnings.every(({ code }) => code === 'RESOURCE_LIMIT'))
  assert.match(warnings[0]!.message, /"near" .* "docs" has no graph/)
})

test('what cannot be built is refused', async (t) => {
  const db: any = await temporaryDatabase(t, { stores: stores() })
  const vector = await fill(db, new Random(seed), 900)
  // Too few for a graph.
  for (const rebuild of [false, true]) await db.buildVectorGraph('docs', 'near', { rebuild })
  assert.equal((await told(db, vector())).method, 'exact')
  await rejects(db.buildVectorGraph('other', 'near'), 'STORE_NOT_FOUND')
  await rejects(db.buildVectorGraph('docs', 'other'), 'INDEX_NOT_FOUND')
  await rejects(db.buildVectorGraph('docs'), 'INVALID_ARGUMENT')
  await rejects(db.buildVectorGraph('docs', 'near', { anew: true }), 'INVALID_ARGUMENT')
  await rejects(db.buildVectorGraph('docs', 'near', { rebuild: 1 }), 'INVALID_ARGUMENT')
  await db.transaction(() => rejects(db.buildVectorGraph('docs', 'near'), 'INVALID_ARGUMENT'))
  await rejects(db.buildVectorGraph('docs', 'near', { signal: AbortSignal.abort() }), 'ABORTED')
  await db.close()
  await rejects(db.buildVectorGraph('docs', 'near'), 'CLOSED')
})

test('a close and a deletion end the wait', async (t) => {
  const db: any = await temporaryDatabase(t, { stores: stores({ efConstruction: 512, m: 64 }) })
  await fill(db, new Random(seed), COUNT)
  const deleted = rejects(db.buildVectorGraph('docs', 'near'), 'INDEX_NOT_FOUND')
  await db.deleteIndex('docs', 'near')
  await deleted
  await db.createVectorIndex('docs', 'near', 'vector', { dimensions: DIMENSIONS, m: 64 })
  const closed = rejects(db.buildVectorGraph('docs', 'near'), 'CLOSED')
  await db.close()
  await closed
})

test('a graph is waited for while the files are replaced', async (t) => {
  const path = join(await temporaryDirectory(t), 'db')
  const db: any = await open(path, { stores: stores({ efConstruction: 256 }) })
  const vector = await fill(db, new Random(seed), COUNT)
  const built = db.buildVectorGraph('docs', 'near')
  await db.compact()
  await built
  const { inGraph, notInGraph } = await told(db, vector())
  assert.deepEqual([inGraph, notInGraph], [COUNT, 0])
  await db.close()
})

test('searches of transactions that write begin a graph, too', async (t) => {
  const db: any = await temporaryDatabase(t, { stores: stores() })
  const vector = await fill(db, new Random(seed), COUNT)
  for (let left = 2_000; ; left--) {
    const nearest: any = await db.transaction(async (tx: any) => {
      await tx.store('docs').put({ id: 0, vector: vector() })
      return (await tx.store('docs').nearest('near', vector()).explain()).nearest
    })
    if (nearest.method === 'graph') break
    assert.ok(left > 0, JSON.stringify(nearest))
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  // An index that is never committed has none, and harms no other one.
  const undone = new Error('undone')
  const made = db.transaction(async (tx: any) => {
    await tx.createVectorIndex('docs', 'far', 'vector', { dimensions: DIMENSIONS })
    const { nearest } = await tx.store('docs').nearest('far', vector()).explain()
    assert.equal(nearest.because, 'the graph is not begun yet')
    throw undone
  })
  await assert.rejects(made, (error) => error === undone)
  await db.createVectorIndex('docs', 'far', 'vector', { dimensions: DIMENSIONS, metric: 'l2' })
  await db.buildVectorGraph('docs', 'far')
  const { nearest } = await db.store('docs').nearest('far', vector()).explain()
  assert.deepEqual([nearest.metric, nearest.inGraph], ['l2', COUNT])
})

test('exact searches tell how far the graph is', async (t) => {
  const db: any = await temporaryDatabase(t, { stores: stores({ efConstruction: 512, m: 64 }) })
  const vector = await fill(db, new Random(seed), COUNT)
  const first = await told(db, vector())
  assert.equal(first.method, 'exact')
  assert.equal(first.notInGraph, COUNT)
  assert.ok(first.inGraph < COUNT)
  assert.equal(first.precision, 'bf16')
})
