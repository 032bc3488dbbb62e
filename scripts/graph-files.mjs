// How long it takes from the open of a database to searches by a graph that has all that there is:
// where it is built, and where it is read from its file and as many vectors are newer as is said.
// Also how long the first, exact search takes, and what the file takes.
//
//   node scripts/graph-files.mjs [--vectors 100000] [--dimensions 384] [--newer 0,1000,5000]
//     [--encrypted]

import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as later } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Random } from '../bench/dataset.mjs'
import { vectorSource } from '../bench/vectors.mjs'

const { files, open } = createRequire(import.meta.url)('../index.js')

const text = (value) => ({ type: 'string', default: value })
const { values: options } = parseArgs({
  options: {
    vectors: text('100000'),
    dimensions: text('384'),
    newer: text('0,1000,5000'),
    encrypted: { type: 'boolean', default: false },
  },
})
const [count, dimensions] = [Number(options.vectors), Number(options.dimensions)]
const AT_ONCE = 1_000
const vector = vectorSource({ count, dimensions, random: new Random(1) })
const asked = vector()

const directory = await mkdtemp(join(tmpdir(), 'lodestore-graph-files-'))
const path = join(directory, 'db')
const opening = {
  durability: 'relaxed',
  stores: { docs: { keyPath: 'id', vectors: { near: { on: 'vector', dimensions } } } },
  ...(options.encrypted && { encryption: { key: Buffer.alloc(32, 1) } }),
}

async function put(store, from, some) {
  for (let at = 0; at < some; at += AT_ONCE) {
    const length = Math.min(AT_ONCE, some - at)
    await store.putMany(Array.from({ length }, (_, i) => ({ id: from + at + i, vector: vector() })))
  }
}

/** Searches until the graph is as it should be; tells what it is then. */
async function until(store, isReady) {
  for (;;) {
    const { nearest } = await store.nearest('near', asked).explain()
    if (nearest.because?.startsWith('there is no graph')) throw new Error(nearest.because)
    if (isReady(nearest)) return nearest
    await later(5)
  }
}

const isBuilt = ({ notInGraph }) => notInGraph === 0
const seconds = (from) => `${((performance.now() - from) / 1000).toFixed(2)} s`

try {
  const db = await open(path, opening)
  await put(db.store('docs'), 0, count)
  let begun = performance.now()
  await until(db.store('docs'), isBuilt)
  console.log(`${count} vectors of ${dimensions} dimensions: built in ${seconds(begun)}`)
  begun = performance.now()
  await until(db.store('docs'), ({ inFile }) => inFile > count * 0.94)
  console.log(`kept after ${seconds(begun)} more`)
  await db.close()
  const graph = (await files(path)).filter(({ role }) => role === 'graph')
  console.log(`file: ${(graph[0].size / 1e6).toFixed(1)} MB`)
  let all = count
  for (const newer of options.newer.split(',').map(Number)) {
    const before = await open(path, opening)
    await put(before.store('docs'), all, newer)
    all += newer
    await before.close()
    begun = performance.now()
    const again = await open(path, opening)
    const opened = seconds(begun)
    await again.store('docs').nearest('near', asked)
    const searched = seconds(begun)
    const { fromFile, inGraph } = await until(again.store('docs'), isBuilt)
    const took = seconds(begun)
    console.log(
      `opened after ${opened}, searched (exactly) after ${searched}, by the graph after ${took}: ` +
        `${fromFile} vectors read, ${inGraph - fromFile} added`,
    )
    await again.close()
  }
} finally {
  await rm(directory, { recursive: true, force: true, maxRetries: 3 })
}
