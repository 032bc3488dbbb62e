import { short } from './figures.mjs'
import { ratioOf } from './summary.mjs'
import { WORKLOADS } from '../workloads/index.mjs'

/**
 * What Lodestore is meant to reach, by workload: `times` the best peer, the reference that `of`
 * names, or Lodestore's own figure in another `row`; `figure` in the row's unit, at least or, where
 * less is better, at most; `later`, how many microseconds an operation may take longer than one of
 * Lodestore's other `row`.
 *
 * @typedef {{ times?: number, of?: string, row?: string, figure?: number, later?: number }} Goal
 */

/** What of IndexedDB that reads, and what writes. */
const READS = [
  { times: 5, of: 'indexeddbshim' },
  { times: 1, of: 'fake-indexeddb' },
]
const WRITES = { times: 5, of: 'indexeddbshim' }

/** Searches of vectors, by the precision of the graphs. */
const VECTORS = {
  vectorsF32Search: [
    { times: 0.9, of: 'usearch' },
    { times: 2, of: 'hnswlib-node' },
  ],
  vectorsF32Filtered100: { times: 5 },
  vectorsF32Filtered10: { times: 5 },
  vectorsF32Filtered1: { times: 5 },
  vectorsBf16Search: { times: 0.9, of: 'usearch' },
}

/** In encrypted databases everything is meant to be ahead; and what encryption may cost. */
const SEALED = {
  ...Object.fromEntries(
    WORKLOADS.filter(({ api }) => api === 'sealed').map(({ name }) => [name, { times: 1 }]),
  ),
  sealedBulk: [{ times: 1 }, { times: 0.5, row: 'bulk' }],
  sealedGetSync: [{ times: 1 }, { later: 2, row: 'getSync' }],
  sealedScan: [{ times: 1 }, { figure: 3e6 }],
  sealedGetAfterTransaction: { times: 0.9, row: 'sealedGet' },
}

/** @type {Record<string, Goal | Goal[]>} */
export const GOALS = {
  bulk: { times: 1.5 },
  bulkStrict: { times: 1.5 },
  disk: { figure: 30 },
  diskCompressed: { figure: 21 },
  put: { times: 0.9, of: 'heed' },
  putRelaxed: { times: 1 },
  putConcurrent: { times: 3 },
  open: { figure: 3 },
  getSync: { times: 1.5 },
  get: { figure: 400_000 },
  getMany: { times: 3 },
  findEqual: { times: 2.5 },
  findRange: { times: 2 },
  queryEqual: { times: 2 },
  queryRange: { times: 1 },
  scan: { times: 1.3, figure: 10e6 },
  group: { times: 1 },
  join: { times: 1 },
  countAll: { times: 10 },
  countIndex: { times: 1 },
  getAfterTransaction: { times: 0.9, row: 'get' },
  memory: { figure: 60 },
  update: { times: 0.9, row: 'put' },
  updateConcurrent: { times: 3 },
  delete: { times: 1.5 },
  idbPut: WRITES,
  idbGet: READS,
  idbGetAtOnce: READS,
  idbCursor: READS,
  idbGetAll: READS,
  idbGetAllByIndex: READS,
  idbTransactions: WRITES,
  idbTransactionsAtOnce: WRITES,
  ...VECTORS,
  ...SEALED,
}

/**
 * Compares a summary with the goals. Sizes on disk and in memory are meant for 100,000 documents.
 *
 * @param {object[]} summary of all workloads, as `summariseAll` answers
 * @param {Record<string, { title: string }>} about
 * @returns {{ name: string, title: string, goal: string, reached: string,
 *   isMet: boolean | undefined }[]} `isMet` is undefined where something was not measured
 */
export function judge(summary, about) {
  const byName = new Map(summary.map((workload) => [workload.name, workload]))
  return Object.entries(GOALS)
    .filter(([name]) => byName.has(name))
    .map(([name, goals]) => {
      const workload = byName.get(name)
      const parts = []
      for (const goal of [goals].flat()) {
        if (goal.times !== undefined) parts.push(relative(workload, goal, byName, about))
        if (goal.figure !== undefined) parts.push(absolute(workload, goal.figure))
        if (goal.later !== undefined) parts.push(difference(workload, goal, byName))
      }
      return {
        name,
        title: workload.title,
        goal: parts.map((part) => part.goal).join(' and '),
        reached: parts.map((part) => part.reached).join(', '),
        isMet: verdict(parts.map((part) => part.isMet)),
      }
    })
}

function verdict(parts) {
  if (parts.includes(false)) return false
  return parts.includes(undefined) ? undefined : true
}

function relative({ rows, best, isLess }, { times, of, row }, byName, about) {
  const other = row === undefined ? rows[of ?? best] : byName.get(row)?.rows.lodestore
  const ratio = ratioOf(rows.lodestore, other, isLess)
  const what = row === undefined ? (about[of]?.title ?? of ?? 'the best peer') : `own ${row}`
  const against = row === undefined ? ` ${about[of ?? best]?.title ?? ''}` : ''
  return {
    goal: `≥ ${times} × ${what}`,
    reached: ratio === undefined ? 'not measured' : `${ratio.toFixed(2)} ×${against}`,
    isMet: ratio === undefined ? undefined : ratio >= times,
  }
}

/** By how much longer an operation takes, of rows that count operations in a second. */
function difference({ rows }, { later, row }, byName) {
  const [own, other] = [rows.lodestore?.median, byName.get(row)?.rows.lodestore?.median]
  const isMeasured = own !== undefined && other !== undefined
  const micros = isMeasured ? 1e6 / own - 1e6 / other : undefined
  return {
    goal: `≤ ${later} µs above own ${row}`,
    reached: isMeasured ? `${micros.toFixed(2)} µs` : 'not measured',
    isMet: isMeasured ? micros <= later : undefined,
  }
}

function absolute({ rows, unit, isLess }, figure) {
  const own = rows.lodestore?.median
  let isMet
  if (own !== undefined) isMet = isLess ? own <= figure : own >= figure
  return {
    goal: `${isLess ? '≤' : '≥'} ${short(figure, unit)} ${unit}`,
    reached: own === undefined ? 'not measured' : `${short(own, unit)} ${unit}`,
    isMet,
  }
}
