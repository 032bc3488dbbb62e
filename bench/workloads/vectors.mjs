import { check, bytesOnDisk, memory, rateOf, Stopwatch } from '../lib/measure.mjs'
import { VectorSet } from '../vectors.mjs'

/** One vector for so many documents of the other rows. */
const DOCUMENTS_A_VECTOR = 5
const QUERIES = 200
const K = 10
const BATCH = 1000
const AT_A_TIME = 10
/** What a search has to find of the nearest. */
const RECALL = 0.99
/**
 * How many candidates graphs look at: about a tenth more each time, since what a search costs goes
 * with it, and how many are needed differs between graphs.
 */
const WIDTHS = widths(10, 4096)
/** So many of them are left out until enough is found, and tried then. */
const STEP = 4
const ALL = 1000

function widths(least, most) {
  const all = []
  for (let width = least; width < most; width = Math.ceil(width * 1.1)) all.push(width)
  return [...all, most]
}

function setOf(context) {
  const count = Math.ceil(context.count / DOCUMENTS_A_VECTOR)
  context.set ??= new VectorSet({ count, queries: QUERIES, k: K })
  return context.set
}

/** Adds all vectors, and waits until searches are as fast as they become. */
async function build(context) {
  const { db } = context
  const set = setOf(context)
  const count = set.vectors.length
  const watch = new Stopwatch()
  await watch.time(async () => {
    for (let from = 0; from < count; from += BATCH) {
      await db.add(set.documents(from, Math.min(count, from + BATCH)))
    }
    await db.ready()
  })
  set.release()
  return count / watch.seconds
}

function disk({ path }) {
  return bytesOnDisk(path) / 1e6
}

/** What the process holds beyond what it held before the database was opened. */
function held({ before }) {
  const { anonymous, resident } = memory()
  return {
    figure: ((anonymous ?? resident) - (before.anonymous ?? before.resident)) / 1e6,
    resident: (resident - before.resident) / 1e6,
  }
}

async function recallOf(set, expected, search) {
  let [found, all] = [0, 0]
  for (const [i, query] of set.queries.entries()) {
    const ids = await search(query)
    check(new Set(ids).size === ids.length, 'a vector was found twice')
    for (const id of ids) if (expected[i].has(id)) found++
    all += expected[i].size
  }
  return all === 0 ? 1 : found / all
}

/** Leaves the least width at which enough is found; the recall there, or at the largest one. */
async function leastWidth(recallAt) {
  const last = WIDTHS.length - 1
  let at = 0
  let recall = await recallAt(WIDTHS[at])
  while (recall < RECALL && at < last) {
    at = Math.min(at + STEP, last)
    recall = await recallAt(WIDTHS[at])
  }
  for (let below = Math.max(0, at - STEP + 1); below < at; below++) {
    const found = await recallAt(WIDTHS[below])
    if (found >= RECALL) return found
  }
  return recallAt(WIDTHS[at])
}

/** Searches of one caller at the least width at which they find enough. */
async function searches(context, below, search) {
  const { db, seconds } = context
  const set = setOf(context)
  const expected = set.expected(below)
  const recallAt = (width) => {
    db.setWidth?.(width)
    return recallOf(set, expected, search)
  }
  const recall = db.setWidth === undefined ? await recallAt(K) : await leastWidth(recallAt)
  check(recall >= RECALL, `only ${recall.toFixed(3)} of the nearest were found`)
  let next = 0
  const figure = await rateOf(async () => {
    for (let i = 0; i < AT_A_TIME; i++) {
      const at = next++ % QUERIES
      const ids = await search(set.queries[at])
      check(ids.length === expected[at].size, `${ids.length} were found`)
    }
    return AT_A_TIME
  }, seconds)
  return { figure, recall }
}

const search = (context) => searches(context, ALL, (query) => context.db.search(query, K))

const filtered = (below) => (context) =>
  searches(context, below, (query) => context.db.searchBelow(query, K, below))

const MEMORY = 'usearch and hnswlib-node hold everything in memory, and answer with ids'
const NEAREST = 'the fewest candidates with which 99 % of the 10 nearest are found'

/** @type {import('../lib/contract.mjs').Workload[]} */
const WORKLOADS = [
  {
    name: 'Build',
    title: 'add vectors until searches are fast',
    unit: 'docs/s',
    needs: ['add'],
    note: MEMORY,
    run: build,
  },
  { name: 'Disk', title: 'bytes on disk', unit: 'MB', needs: ['add'], run: disk },
  { name: 'Memory', title: 'anonymous memory', unit: 'MB', needs: ['add'], run: held },
  {
    name: 'Search',
    title: 'the 10 nearest',
    unit: 'queries/s',
    needs: ['search'],
    note: NEAREST,
    run: search,
  },
  ...[100, 10, 1].map((below) => ({
    name: `Filtered${below}`,
    title: `the 10 nearest of ${below / 10} %`,
    unit: 'queries/s',
    needs: ['searchBelow'],
    note: NEAREST,
    run: filtered(below),
  })),
]

/** The group of all workloads over graphs of one precision. */
export function vectors(precision, bits) {
  const prefix = `vectors${precision[0].toUpperCase()}${precision.slice(1)}`
  return {
    name: `vectors-${precision}`,
    api: 'vectors',
    stage: 'empty',
    durability: 'default',
    precision,
    loads: `${prefix}Build`,
    patience: 4,
    workloads: WORKLOADS.map((workload) => ({
      ...workload,
      name: prefix + workload.name,
      title: `vectors, ${bits} bits: ${workload.title}`,
    })),
  }
}
