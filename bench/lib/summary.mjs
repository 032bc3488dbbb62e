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
  return summary
}

/**
 * Turns outcomes into medians, spreads and ratios.
 *
 * @param {import('./contract.mjs').Workload[]} workloads
 * @param {Record<string, Record<string, object[]>>} outcomes
 * @param {Record<string, { isReference: boolean }>} about
 * @returns {object[]} per workload: `rows` by peer, `best`, the name of the best peer, and `ratio`,
 *   the median over the passes of how many times better Lodestore was than it
 */
export function summariseAll(workloads, outcomes, about) {
  return workloads
    .filter(({ name }) => outcomes[name] !== undefined)
    .map(({ name, title, unit }) => {
      const isLess = LESS_IS_BETTER.has(unit)
      const rows = {}
      for (const [peer, list] of Object.entries(outcomes[name])) rows[peer] = summarise(list)
      const rivals = Object.keys(rows)
        .filter((peer) => peer !== 'lodestore' && !about[peer]?.isReference)
        .filter((peer) => rows[peer].median !== undefined)
        .sort((a, b) => (rows[a].median - rows[b].median) * (isLess ? 1 : -1))
      const [best] = rivals
      return { name, title, unit, isLess, rows, best, ratio: ratioTo(rows, best, isLess) }
    })
}

function ratioTo(rows, best, isLess) {
  const own = rows.lodestore?.figures
  if (own === undefined || best === undefined) return undefined
  const other = rows[best].figures
  const ratios = own.slice(0, other.length).map((figure, i) => figure / other[i])
  return isLess ? 1 / median(ratios) : median(ratios)
}
