// How many of the nearest searches by graphs find, and what they take: for each kind of data,
// metric and precision, after inserts, after half of the documents changed or went, with filters,
// and after the database was opened again. Exact search says what the nearest are. Fails if fewer
// are found than are promised.
//
//   node scripts/recall.mjs [--vectors 20000] [--dimensions 384] [--queries 100] [--k 10]
//     [--data clustered,uniform] [--metrics cosine,dot,l2,hamming] [--precisions f32,f16,bf16,i8]
//     [--seed 1]

import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as later } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Random } from '../bench/dataset.mjs'
import { vectorSource } from '../bench/vectors.mjs'

const { open } = createRequire(import.meta.url)('../index.js')

const text = (value) => ({ type: 'string', default: value })
const { values: options } = parseArgs({
  options: {
    vectors: text('20000'),
    dimensions: text('384'),
    queries: text('100'),
    k: text('10'),
    data: text('clustered,uniform'),
    metrics: text('cosine,dot,l2,hamming'),
    precisions: text('f32,f16,bf16,i8'),
    seed: text('1'),
  },
})
const [count, dimensions, queries, k] = ['vectors', 'dimensions', 'queries', 'k'].map((name) =>
  Number(options[name]),
)

/** The recall that the default settings promise. */
const PROMISED = { f32: 0.99, f16: 0.99, bf16: 0.99, i8: 0.98, b1: 0.98 }
const AT_ONCE = 1_000
/** Shares of the documents that filters let through, in thousandths. */
const SHARES = [500, 100, 10, 1, 0]

const numbers = new Random(Number(options.seed))
const random = () => numbers.next()

function vectorsOf(data, metric) {
  const isUniform = data === 'uniform'
  const next = vectorSource({ count, dimensions, isUniform, random: numbers })
  return () => {
    const vector = next()
    if (metric !== 'hamming') return vector
    const bits = new Uint8Array(dimensions / 8)
    for (const [i, each] of vector.entries()) if (each > 0) bits[i >> 3] |= 1 << (i & 7)
    return bits
  }
}

/** The numbers below one, in random order. */
function shuffled(below) {
  const all = Array.from({ length: below }, (_, i) => i)
  for (let i = below - 1; i > 0; i--) {
    const other = Math.floor(random() * (i + 1))
    ;[all[i], all[other]] = [all[other], all[i]]
  }
  return all
}

async function caughtUp(store, vector) {
  for (;;) {
    const { nearest } = await store.nearest('near', vector).explain()
    if (nearest.notInGraph === 0) return nearest
    const { because = '' } = nearest
    // Nothing of that changes with time.
    if (/^there is no graph|^the index is small/.test(because)) throw new Error(because)
    await later(50)
  }
}

async function measure(store, asked, where) {
  let [hits, all, time] = [0, 0, 0]
  const nearest = await store.nearestMany('near', asked, { k, where, exact: true })
  for (const [i, vector] of asked.entries()) {
    const expected = nearest[i]
    const begun = performance.now()
    const found = await store.nearest('near', vector, { k, where })
    time += performance.now() - begun
    if (found.length !== expected.length) {
      throw new Error(`${found.length} found, not ${expected.length}`)
    }
    const furthest = expected.at(-1)?.distance ?? 0
    hits += found.filter(({ distance }) => distance <= furthest).length
    all += expected.length
  }
  return { recall: all === 0 ? 1 : hits / all, millis: time / asked.length }
}

async function run(data, metric, precision) {
  const directory = await mkdtemp(join(tmpdir(), 'lodestore-recall-'))
  try {
    const vectors = { near: { on: 'vector', dimensions, metric, precision } }
    const stores = { docs: { keyPath: 'id', indexes: { byShare: { on: 'share' } }, vectors } }
    let db = await open(join(directory, 'db'), { stores, durability: 'none' })
    let store = db.store('docs')
    const vector = vectorsOf(data, metric)
    const put = async (ids) => {
      for (let from = 0; from < ids.length; from += AT_ONCE) {
        const some = ids.slice(from, from + AT_ONCE)
        await store.putMany(
          some.map((id) => ({ id, share: Math.floor(random() * 1000), vector: vector() })),
        )
      }
    }
    const name = `${data}, ${metric}, ${precision}`
    const failures = []
    const tell = async (when, where) => {
      const asked = Array.from({ length: queries }, vector)
      const { recall, millis } = await measure(store, asked, where)
      const { nearest } = await store.nearest('near', asked[0], { k, where }).explain()
      const how = nearest.method === 'exact' ? 'exact' : `${nearest.method}, ${nearest.candidates}`
      console.log(`${name}, ${when}: ${recall.toFixed(4)}, ${millis.toFixed(2)} ms (${how})`)
      if (recall < PROMISED[precision]) failures.push(`${name}, ${when}: ${recall}`)
    }
    await put(Array.from({ length: count }, (_, id) => id))
    const begun = performance.now()
    const built = await caughtUp(store, vector())
    const seconds = (performance.now() - begun) / 1000
    const rate = Math.round(count / seconds)
    console.log(`${name}: built in ${seconds.toFixed(1)} s (${rate}/s), ${built.memory >> 20} MiB`)
    await tell('inserted')
    // A quarter is replaced, another one deleted, and as many others come.
    const ids = shuffled(count)
    const quarter = Math.floor(count / 4)
    await put(ids.slice(0, quarter))
    await store.deleteMany(ids.slice(quarter, 2 * quarter))
    await put(Array.from({ length: quarter }, (_, i) => count + i))
    await caughtUp(store, vector())
    await tell('half changed or deleted')
    for (const share of SHARES) await tell(`filter of ${share / 10} %`, { share: { $lt: share } })
    await db.close()
    db = await open(join(directory, 'db'))
    store = db.store('docs')
    await caughtUp(store, vector())
    await tell('opened again')
    await db.close()
    return failures
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

const failures = []
console.log(`${count} vectors of ${dimensions} dimensions, recall@${k} of ${queries} queries`)
for (const data of options.data.split(',')) {
  for (const metric of options.metrics.split(',')) {
    const precisions = metric === 'hamming' ? ['b1'] : options.precisions.split(',')
    for (const precision of precisions) failures.push(...(await run(data, metric, precision)))
  }
}
for (const failure of failures) console.error(`too few: ${failure}`)
if (failures.length > 0) process.exitCode = 1
