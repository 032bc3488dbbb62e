/**
 * What exact searches in vector indexes cost, with the library in place: the least processor time
 * of several runs, in milliseconds, so that other programs matter little.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { open } from '../index.js'

const DOCUMENTS = 20_000
const FORMS = [
  [384, 'cosine'],
  [384, 'dot'],
  [384, 'l2'],
  [1536, 'cosine'],
  [1024, 'hamming'],
]
const MANY = 100
const RUNS = 60
const RUNS_OF_MANY = 6

function randomVector(dimensions, metric) {
  if (metric === 'hamming') {
    return Uint8Array.from({ length: dimensions / 8 }, () => Math.random() * 256)
  }
  return Float32Array.from({ length: dimensions }, () => Math.random() - 0.5)
}

async function leastTime(runs, search) {
  let least = Infinity
  for (let run = 0; run < runs; run++) {
    const before = process.cpuUsage()
    await search()
    const { user, system } = process.cpuUsage(before)
    least = Math.min(least, (user + system) / 1000)
  }
  return least
}

async function measure(path, dimensions, metric) {
  const near = { on: 'vector', dimensions, metric }
  const docs = { keyPath: 'id', indexes: { byGroup: { on: 'group' } }, vectors: { near } }
  const db = await open(path, { durability: 'none', stores: { docs } })
  const store = db.store('docs')
  const vector = () => randomVector(dimensions, metric)
  const document = (_, id) => ({ id, group: id % 100, name: `name ${id}`, vector: vector() })
  await store.putMany(Array.from({ length: DOCUMENTS }, document))
  const options = { k: 10, includeVectors: false, exact: true }
  const filtered = { ...options, where: { group: 5 } }
  const many = Array.from({ length: MANY }, vector)
  const times = [
    await leastTime(RUNS, () => store.nearest('near', vector(), options).toArray()),
    await leastTime(RUNS, () => store.nearest('near', vector(), filtered).toArray()),
    (await leastTime(RUNS_OF_MANY, () => store.nearestMany('near', many, options).toArray())) /
      MANY,
  ]
  await db.close()
  return times.map((time) => time.toFixed(2))
}

const directory = mkdtempSync(join(tmpdir(), 'lodestore-vector-search-'))
try {
  console.log(`${DOCUMENTS} documents: one search, with a filter that 1 % pass, each of ${MANY}`)
  for (const [dimensions, metric] of FORMS) {
    const path = join(directory, `${metric}-${dimensions}`)
    const times = await measure(path, dimensions, metric)
    console.log(`${dimensions} ${metric}: ${times.join(' ms, ')} ms`)
  }
} finally {
  rmSync(directory, { recursive: true, force: true })
}
