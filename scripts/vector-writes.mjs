// How many documents with vectors are written in each second while the graph of their index is
// built behind them, and how long it then takes until the graph has them all: in batches
// (`putMany`, two at a time) and one by one (`put`, many at a time), by durability and dimensions.
// Fails if fewer are written in a second than is wanted.
//
//   node scripts/vector-writes.mjs [--seconds 10] [--dimensions 96,384] [--batch 1000]
//     [--at-once 1000] [--durabilities relaxed,strict] [--ways putMany,put] [--least 20000]
//     [--no-index] [--no-catching-up]

import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as later } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Random } from '../bench/dataset.mjs'

const { open } = createRequire(import.meta.url)('../index.js')

const text = (value) => ({ type: 'string', default: value })
const { values: options } = parseArgs({
  options: {
    seconds: text('10'),
    dimensions: text('96,384'),
    batch: text('1000'),
    'at-once': text('1000'),
    durabilities: text('relaxed,strict'),
    ways: text('putMany,put'),
    least: text('20000'),
    'no-index': { type: 'boolean', default: false },
    'no-catching-up': { type: 'boolean', default: false },
  },
})
const [seconds, batch, atOnce, least] = ['seconds', 'batch', 'at-once', 'least'].map((name) =>
  Number(options[name]),
)
/** The graph is there before the clock runs. */
const FIRST = 2_000
const CENTERS = 1_000
const NOISE = 1 << 20

/** Vectors around centres, made in a moment: the noise is a piece of what was made before. */
function vectorsOf(dimensions) {
  const random = new Random(1)
  const component = () => random.next() - 0.5
  const centers = Array.from({ length: CENTERS }, () =>
    Float32Array.from({ length: dimensions }, component),
  )
  const noise = Float32Array.from({ length: NOISE }, () => component() / 2)
  return () => {
    const [center, vector] = [centers[random.below(CENTERS)], new Float32Array(dimensions)]
    const at = random.below(NOISE - dimensions)
    for (let i = 0; i < dimensions; i++) vector[i] = center[i] + noise[at + i]
    return vector
  }
}

/** Writes until the time is over; tells how many documents were written in each second. */
async function write(way, store, document) {
  const counts = Array.from({ length: seconds }, () => 0)
  let longest = 0
  const begun = performance.now()
  const lane = async () => {
    for (;;) {
      const before = performance.now()
      if (before - begun >= seconds * 1000) return
      if (way === 'put') await store.put(document())
      else await store.putMany(Array.from({ length: batch }, document))
      const now = performance.now()
      longest = Math.max(longest, now - before)
      const second = Math.floor((now - begun) / 1000)
      if (second < seconds) counts[second] += way === 'put' ? 1 : batch
    }
  }
  await Promise.all(Array.from({ length: way === 'put' ? atOnce : 2 }, lane))
  return { counts, longest }
}

async function run(dimensions, durability, way) {
  const directory = await mkdtemp(join(tmpdir(), 'lodestore-vector-writes-'))
  try {
    const vectors = options['no-index'] ? {} : { near: { on: 'vector', dimensions } }
    const stores = { docs: { keyPath: 'id', vectors } }
    const db = await open(join(directory, 'db'), { stores, durability })
    const store = db.store('docs')
    const vector = vectorsOf(dimensions)
    let id = 0
    const document = () => ({ id: id++, vector: vector() })
    const graph = async () => (await store.nearest('near', vector()).explain()).nearest
    const caughtUp = async () => {
      while ((await graph()).notInGraph !== 0) await later(50)
    }
    await store.putMany(Array.from({ length: FIRST }, document))
    if (!options['no-index']) await caughtUp()
    const { counts, longest } = await write(way, store, document)
    const mean = counts.reduce((sum, count) => sum + count) / seconds
    const name = `${dimensions} dimensions, ${durability}, ${way}`
    console.log(`${name}: ${counts.join(' ')}`)
    const megabytes = ((mean * dimensions * 4) / 1e6).toFixed(0)
    console.log(
      `  ${Math.round(mean)} a second (${megabytes} MB of vectors), the slowest ` +
        `${way} ${longest.toFixed(0)} ms`,
    )
    if (!options['no-index']) {
      const ended = performance.now()
      const { inGraph } = await graph()
      if (!options['no-catching-up']) {
        await caughtUp()
        const took = (performance.now() - ended) / 1000
        const rate = Math.round((id - inGraph) / took)
        const lag = `${inGraph ?? 0} of ${id}`
        console.log(`  the graph had ${lag}, and the rest ${took.toFixed(1)} s later: ${rate}/s`)
      }
    }
    await db.close()
    const fewest = Math.min(...counts)
    return fewest < least ? [`${name}: ${fewest}`] : []
  } finally {
    await rm(directory, { recursive: true, force: true, maxRetries: 3 })
  }
}

const failures = []
for (const dimensions of options.dimensions.split(',').map(Number)) {
  for (const durability of options.durabilities.split(',')) {
    for (const way of options.ways.split(',')) {
      failures.push(...(await run(dimensions, durability, way)))
    }
  }
}
for (const failure of failures) console.error(`too few in a second: ${failure}`)
if (failures.length > 0) process.exitCode = 1
