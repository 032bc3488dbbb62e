import { CITIES } from '../dataset.mjs'
import { short, table } from './figures.mjs'

const IN_MICROSECONDS = 1e6
/** Megabytes by which memory may differ from run to run. */
const MEMORY_NOISE = 16

/**
 * What is compared between sets: the cost of one operation. Queries of cities answer with more
 * documents in larger sets, so what counts is the cost of a document.
 */
const COSTS = {
  bulk: { what: 'bulk load, one document', isJudged: false },
  disk: { what: 'bytes on disk, one document', unit: 'B', isJudged: false },
  open: { what: 'open and first get', isJudged: true },
  getSync: { what: 'get, synchronous', isJudged: true },
  get: { what: 'get, awaited', isJudged: true },
  getMany: { what: 'getMany, one document', isJudged: true },
  page: { what: 'page of 20 by key, at any depth', isJudged: true },
  findEqual: { what: 'index equality, one document', perCity: true, isJudged: false },
  findRange: { what: 'index range, sorted, limit 20', isJudged: true },
  countAll: { what: 'count all', isJudged: true },
  countIndex: { what: 'count by an index, one entry', perCity: true, isJudged: false },
  memory: { what: 'anonymous memory growth by reading', isJudged: true },
}

function costOf({ name, unit }, row, docs) {
  if (row?.median === undefined) return undefined
  if (name === 'disk') return (row.median * 1e6) / docs
  if (unit === 'ms' || unit === 'MB') return row.median
  return IN_MICROSECONDS / row.median / (COSTS[name].perCity ? Math.max(1, docs / CITIES) : 1)
}

/**
 * How costs grow from the smallest set to the largest. Those that a goal is about must grow no
 * faster than the logarithm of the number of documents, and memory not at all.
 *
 * @param {{ docs: number, summary: object[] }[]} scales ascending
 * @param {string[]} peers names
 * @returns {object[]} per workload: `what`, `unit`, the `costs` of Lodestore by size, `growth` by
 *   peer, and `bound` and `isMet` where there is a goal
 */
export function growthOf(scales, peers) {
  const [first] = scales
  const last = scales.at(-1)
  const bound = Math.log(last.docs) / Math.log(first.docs)
  const find = (scale, name) => scale.summary.find((workload) => workload.name === name)
  const found = []
  for (const [name, { what, unit, isJudged }] of Object.entries(COSTS)) {
    const workload = find(first, name)
    if (workload === undefined) continue
    const costAt = (scale, peer) => {
      const there = find(scale, name)
      return there && costOf(there, there.rows[peer], scale.docs)
    }
    const growth = {}
    for (const peer of peers) {
      const ratio = costAt(last, peer) / costAt(first, peer)
      if (Number.isFinite(ratio)) growth[peer] = ratio
    }
    const costs = scales.map((scale) => costAt(scale, 'lodestore'))
    const isTime = unit === undefined && workload.unit !== 'ms' && workload.unit !== 'MB'
    const own = { name, what, unit: unit ?? (isTime ? 'µs' : workload.unit), costs, growth }
    if (isJudged) Object.assign(own, judge(name, costs, growth.lodestore, bound))
    found.push(own)
  }
  return found
}

function judge(name, costs, growth, bound) {
  const last = costs.at(-1)
  if (costs[0] === undefined || last === undefined) return {}
  if (name === 'memory') {
    return { bound: `+${MEMORY_NOISE} MB`, isMet: last - costs[0] <= MEMORY_NOISE }
  }
  return { bound: `${bound.toFixed(2)} ×`, isMet: growth <= bound }
}

const cost = (figure, unit) => (figure === undefined ? '–' : short(figure, unit))
const times = (ratio) => (ratio === undefined ? '–' : `${ratio.toFixed(2)} ×`)

/** The table of growth in Markdown, or nothing for sets of one size. */
export function growthTable({ scales, peers, about, growth }) {
  if (growth === undefined) return []
  const others = peers.filter((peer) => growth.some((row) => row.growth[peer] !== undefined))
  const sizes = scales.map(({ docs }) => docs.toLocaleString('en'))
  const head = [
    '',
    'unit',
    ...sizes,
    'may grow',
    'goal',
    ...others.map((peer) => about[peer].title),
  ]
  const rows = growth.map((row) => {
    const costs = row.costs.map((figure) => cost(figure, row.unit))
    const goal = row.isMet === undefined ? '–' : row.isMet ? 'met' : '**missed**'
    const ratios = others.map((peer) => times(row.growth[peer]))
    return [row.what, row.unit, ...costs, row.bound ?? '–', goal, ...ratios]
  })
  return [
    '## Growth',
    '',
    `Costs of Lodestore by documents in the set, then from ${sizes[0]} to ${sizes.at(-1)}`,
    'how many times they grew, for each peer. Operations must grow no faster than the logarithm of',
    'the size, memory not at all. Larger sets also fit the caches of the processor less.',
    '',
    ...table(head, rows),
    '',
  ]
}
