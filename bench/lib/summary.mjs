/** Figures of which less is better. */
const LESS_IS_BETTER = new Set(['ms', 'MB'])

export function median(values) {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >>> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** One peer's outcomes of a workload, over all passes. */
function summarise(outcomes) {
  const problem = outcomes.find((one) => one.wrong !== undefined || one.failed !== undefined)
  if (problem !== undefined) return { wrong: problem.wrong, failed: problem.failed }
  const figures = outcomes.map(({ figure }) => figure)
  const summary = {
    median: median(figures),
    spread: (Math.max(...figures) - Math.min(...figures)) / median(figures),
    delay: median(outcomes.map(({ delay }) => delay)),
    figures,
  }
  const resident = outcomes.map((one) => one.resident).filter((one) => one !== undefined)
  if (resident.length > 0) summary.resident = median(resident)
  const recall = outcomes.map((one) => one.recall).filter((one) => one !== undefined)
  if (recall.length > 0) summary.recall = median(recall)
  return summary
}

/**
 * How many times better one peer was than another: the median over the passes.
 *
 * @param {{ figures?: number[] } | undefined} own
 * @param {{ figures?: number[] } | undefined} other
 * @param {boolean} isLess whether less is better
 * @returns {number | undefined}
 */
export function ratioOf(own, other, isLess) {
  if (own?.figures === undefined || other?.figures === undefined) return undefined
  const passes = Math.min(own.figures.length, other.figures.length)
  const ratios = own.figures.slice(0, passes).map((figure, i) => figure / other.figures[i])
  return isLess ? 1 / median(ratios) : median(ratios)
}

/**
 * Turns outcomes into medians, spreads and ratios.
 *
 * @param {import('./contract.mjs').Workload[]} workloads
 * @param {Record<string, Record<string, object[]>>} outcomes
 * @param {{ name: string, isReference?: boolean, isForScale?: boolean }[]} peers
 * @returns {object[]} per workload: `rows` by peer, `best`, the name of the best peer that is
 *   compared, and `ratio`, how many times better Lodestore was than it
 */
export function summariseAll(workloads, outcomes, peers) {
  const compared = peers.filter(
    ({ name, isReference, isForScale }) => name !== 'lodestore' && !isReference && !isForScale,
  )
  return workloads
    .filter(({ name }) => outcomes[name] !== undefined)
    .map(({ name, title, unit, note, api }) => {
      const isLess = LESS_IS_BETTER.has(unit)
      const rows = {}
      for (const [peer, list] of Object.entries(outcomes[name])) rows[peer] = summarise(list)
      const [best] = compared
        .map((peer) => peer.name)
        .filter((peer) => rows[peer]?.median !== undefined)
        .sort((a, b) => (rows[a].median - rows[b].median) * (isLess ? 1 : -1))
      const ratio = ratioOf(rows.lodestore, rows[best], isLess)
      return { name, title, unit, note, api, isLess, rows, best, ratio }
    })
}
