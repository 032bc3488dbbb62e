// Joins by equality: the short ways to the other documents, and stages that read a joined document
// without decoding it, give what the long ones do.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { open } from '../../index.js'
import { temporaryDatabase } from '../support/database'
import { Random, seed } from '../support/random'

const TIMES = Number(process.env.LODESTORE_TIMES ?? 1)
const INDEXES = { byF: { on: 'f' }, byG: { on: 'g.h' } } as const

const SCALARS = [null, undefined, true, false, 0, -0, 1, 1n, 2.5, 2 ** 60, 2n ** 60n, 'x', '', 'é']
const KEYS = [0, 1, 2.5, 2 ** 60, 'x', '', 'é', new Date(5), new Uint8Array([1]), 7, 'y']
const OTHERS = [
  new Date(5),
  new Date(Number.NaN),
  Number.NaN,
  Number.POSITIVE_INFINITY,
  new Uint8Array([1]),
  { e: 1 },
  /x/u,
  [],
  [1, 'x'],
  [null],
  [[1]],
  [{ h: 1 }, { h: 'x' }],
  new Set([1]),
]

function randomValue(random: Random): unknown {
  return random.chance(0.75) ? random.pick<unknown>(SCALARS) : random.pick<unknown>(OTHERS)
}

function randomDocument(random: Random, id: unknown): object {
  const document: any = random.chance(0.5) ? { id, n: random.below(4) } : { n: random.below(4), id }
  for (const name of ['f', 'local', 'j']) {
    if (random.chance(0.7)) document[name] = randomValue(random)
  }
  if (random.chance(0.3)) document.local = random.pick<unknown>(KEYS)
  if (random.chance(0.6)) document.g = { h: randomValue(random), k: [{ l: random.below(3) }] }
  if (random.chance(0.2)) document.again = document.g
  return document
}

/** What may come behind a join. */
function randomStages(random: Random): object[] {
  const unwind = random.pick<object>([
    { $unwind: '$j' },
    { $unwind: '$j' },
    { $unwind: { path: '$j', preserveNullAndEmptyArrays: true } },
    { $unwind: { path: '$j', includeArrayIndex: 'at' } },
    { $unwind: '$g.k' },
  ])
  const stage = () =>
    random.pick<object>([
      { $project: { n: 1, j: 1 } },
      { $project: { id: 1, f: 1, n: '$j.n', again: 1 } },
      { $project: { j: 1, all: '$$ROOT', size: { $size: { $ifNull: ['$g.k', []] } } } },
      { $project: { j: 0, f: 0 } },
      { $project: { 'j.n': 1, 'g.h': 1 } },
      { $project: { h: '$j.g.h', l: '$j.g.k.l', own: '$g.k.l' } },
      { $match: { 'j.n': { $gte: 2 } } },
      { $match: { n: { $lt: 3 }, j: { $ne: [] } } },
      { $group: { _id: '$j.n', count: { $count: {} }, sum: { $sum: '$n' }, f: { $first: '$f' } } },
      { $group: { _id: '$n', all: { $push: '$j' }, most: { $max: '$j.n' } } },
      { $set: { k: '$j', n: { $add: ['$n', 1] } } },
      { $sort: { 'j.n': 1, n: -1 } },
      { $replaceWith: { j: '$j', f: '$f' } },
      { $facet: { a: [{ $project: { j: 1 } }], b: [{ $unwind: '$j' }, { $count: 'n' }] } },
      { $setWindowFields: { sortBy: { n: 1 }, output: { sum: { $sum: '$n' } } } },
      { $distinct: '$j.n' },
      { $unset: 'j' },
      { $limit: 20 },
      { $lookup: { from: 'right', localField: 'n', foreignField: 'n', as: 'more' } },
    ])
  const stages = random.chance(0.6) ? [unwind] : []
  while (random.chance(0.6)) stages.push(stage())
  // So many that one of them is preceded by a look at how deep documents nest.
  if (random.chance(0.1)) stages.push(...Array.from({ length: 9 }, () => ({ $skip: 0 })))
  // Mixes the rows.
  if (random.chance(0.1)) stages.push({ $sample: { size: 1_000_000 } })
  return stages
}

const text = (rows: unknown) => inspect(rows, { depth: 20, maxArrayLength: null })

/** Rows as text, in order unless a stage mixes them; or what the pipeline fails with. */
async function outcome(store: any, stages: object[]): Promise<string[]> {
  let all: string[]
  try {
    all = (await store.aggregate(stages)).map(text)
  } catch (error: any) {
    assert.equal(error.code, 'EXPRESSION')
    return [error.message]
  }
  return stages.some((stage) => '$sample' in stage) ? all.toSorted() : all
}

/** The same join as a pipeline over the documents that are equal, decoded at once. */
function longWay(join: object, stages: object[]): object[] {
  return [{ $lookup: { ...join, pipeline: [{ $match: {} }] } }, { $match: {} }, ...stages]
}

test('random joins are the same on the short and on the long way', async (t) => {
  t.diagnostic(`LODESTORE_SEED=${seed}`)
  const plans = new Set<string>()
  for (let round = 0; round < 9 * TIMES; round++) {
    const random = new Random(seed + round)
    const indexes = round % 3 === 2 ? {} : INDEXES
    const compression = random.pick(['none', 'zstd'] as const)
    const db = await open(':memory:', {
      stores: {
        left: { keyPath: 'id' },
        right: { keyPath: 'id', indexes: indexes as any, compression },
      },
    })
    const [left, right]: any[] = [db.store('left'), db.store('right')]
    const count = random.pick([1, 30, 150])
    await left.putMany(Array.from({ length: count }, (_, id) => randomDocument(random, id)))
    const keys: unknown[] = random.chance(0.3) ? [...KEYS, [1, 'x'], ['z']] : KEYS
    await right.putMany(keys.map((id) => randomDocument(random, id)))
    const compare = async (place: string) => {
      for (let i = 0; i < 40; i++) {
        const localField = random.pick(['local', 'local', 'f', 'n', 'g.h', 'g.k.l', 'nowhere'])
        const foreignField = random.pick(['id', 'id', 'f', 'g.h', 'n', 'g.k.0.l'])
        const as = random.pick(['j', 'j', 'j', 'f', 'g.j', 'id'])
        const join = { from: 'right', localField, foreignField, as }
        const stages = randomStages(random)
        const told = `LODESTORE_SEED=${seed}, round ${round}, ${place}, ${text({ join, stages })}`
        const short = await outcome(left, [{ $lookup: join }, ...stages])
        assert.deepEqual(short, await outcome(left, longWay(join, stages)), told)
        const explained = await left.aggregate([{ $lookup: join }]).explain()
        plans.add(explained.stages[0].read?.plan)
      }
    }
    await compare('outside')
    await db.transaction(async () => {
      await right.putMany(keys.map((id) => randomDocument(random, id)))
      await compare('in a transaction')
    })
    await db.close()
  }
  for (const plan of ['primary key', 'index byF', 'full scan']) assert.ok(plans.has(plan), plan)
})

test('a join finds what a filter for the value finds', async (t) => {
  t.diagnostic(`LODESTORE_SEED=${seed}`)
  const random = new Random(seed)
  const right = Array.from({ length: 80 }, (_, id) => randomDocument(random, id))
  const left = Array.from({ length: 200 }, (_, id) => randomDocument(random, id))
  const db = await temporaryDatabase(t, {
    stores: { left: { keyPath: 'id' }, right: { keyPath: 'id', indexes: INDEXES as any } },
  })
  const [here, there]: any[] = [db.store('left'), db.store('right')]
  await here.putMany(left)
  await there.putMany(right)
  for (const foreignField of ['id', 'f', 'g.h', 'n']) {
    const join = { from: 'right', localField: 'local', foreignField, as: 'found' }
    for (const { local, id, found } of await here.aggregate([{ $lookup: join }])) {
      const values = (Array.isArray(local) ? local : [local]).map((value) => value ?? null)
      const expected = await there.find({
        $or: [{ id: -1 }, ...values.map((value) => ({ [foreignField]: { $eq: value } }))],
      })
      const ids = (rows: any[]) => rows.map((row) => row.id).toSorted((a, b) => a - b)
      assert.deepEqual(ids(found), ids(expected), `LODESTORE_SEED=${seed}, ${id}, ${foreignField}`)
    }
  }
})

test('values that come again are looked for once, and anew in each transaction', async (t) => {
  const db = await temporaryDatabase(t, {
    stores: { orders: { keyPath: 'id' }, users: { keyPath: 'id' } },
  })
  const [orders, users]: any[] = [db.store('orders'), db.store('users')]
  await orders.putMany(Array.from({ length: 300 }, (_, id) => ({ id, user: id % 7 })))
  await users.putMany(Array.from({ length: 5 }, (_, id) => ({ id, name: `user ${id}` })))
  const join = { from: 'users', localField: 'user', foreignField: 'id', as: 'who' }
  const pipeline = [{ $lookup: join }, { $unwind: '$who' }, { $project: { name: '$who.name' } }]
  const queries = async () => (await orders.aggregate(pipeline).explain()).stages[0].read
  assert.deepEqual((await queries()).queries, 7)
  assert.equal((await queries()).examinedDocs, 5)
  // Where there is no memory for that, each is looked for.
  const bounded = orders.aggregate(pipeline, { memoryLimit: 4_000 })
  assert.equal((await bounded.explain()).stages[0].read.queries, 300)
  const names = async () => new Set((await orders.aggregate(pipeline)).map((row: any) => row.name))
  assert.equal((await names()).size, 5)
  await db.transaction(async () => {
    await users.put({ id: 5, name: 'new' })
    assert.ok((await names()).has('new'))
    // Rows that are read while the other store changes have what it has by then.
    const seen = new Set<string>()
    for await (const row of orders.aggregate(pipeline)) {
      if (seen.size === 0) await users.put({ id: 6, name: 'newer', first: { of: 'its shape' } })
      seen.add((row as any).name)
    }
    assert.ok(seen.has('new'))
  })
  assert.equal((await names()).size, 7)
})
