'use strict'

/**
 * What `explain` tells, as a tree to read.
 *
 * @param {object} explanation
 * @returns {string}
 */
function explainText(explanation) {
  const { plan, direction, bounds, residual, sort, candidates, ...counted } = explanation
  const lines = [`${plan}${direction === 'backward' ? ', backwards' : ''}`]
  for (const [i, ranges] of bounds.entries()) {
    const prefix = bounds.length > 1 ? `${i + 1}: ` : ''
    for (const [path, list] of Object.entries(ranges)) {
      lines.push(`├─ ${prefix}${path} in ${list.join(', ')}`)
    }
  }
  if (residual) lines.push('├─ the filter is checked on each document')
  if (sort !== null) lines.push(`├─ sorted by ${sort.by.join(', ')} by ${sort.from}`)
  const { returned, examinedKeys, examinedDocs, millis } = counted
  lines.push(
    `├─ ${returned} returned, of ${examinedKeys} index entries and ${examinedDocs} documents, ` +
      `in ${millis.toFixed(1)} ms`,
    '└─ considered',
  )
  for (const [i, { plan: other, cost, estimatedRows, rejectedBecause }] of candidates.entries()) {
    const branch = i === candidates.length - 1 ? '└─' : '├─'
    const why = rejectedBecause == null ? '' : `: ${rejectedBecause}`
    lines.push(`   ${branch} ${other}, cost ${cost}, about ${estimatedRows} rows${why}`)
  }
  return lines.join('\n')
}

module.exports = { explainText }
