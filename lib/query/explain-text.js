'use strict'

/**
 * What `explain` tells of a query, as a tree to read.
 *
 * @param {object} explanation
 * @returns {string}
 */
function explainText(explanation) {
  return treeOf(queryBranch(explanation), '').join('\n')
}

/**
 * What `explain` tells of a pipeline, as a tree to read.
 *
 * @param {object} explanation
 * @returns {string}
 */
function explainPipelineText({ front, stages, output, ...counted }) {
  const answered = front.stages.length > 0 ? front.stages.join(', ') : 'all documents'
  const query = queryBranch(front)
  const { returned, examinedKeys, examinedDocs, memory, millis } = counted
  const branches = [
    { text: `${answered}: ${query.text}`, branches: query.branches },
    ...stages.map(stageBranch),
  ]
  if (output !== null) branches.push({ text: `${output.stage} to ${output.store}, not written` })
  const text =
    `${returned} rows, of ${examinedKeys} index entries and ${examinedDocs} documents, ` +
    `with ${memory} bytes of memory, in ${millis.toFixed(1)} ms`
  return treeOf({ text, branches }, '').join('\n')
}

function queryBranch({
  plan,
  direction,
  bounds,
  residual,
  sort,
  collation,
  candidates,
  nearest,
  ...counted
}) {
  const branches = []
  if (nearest !== undefined) {
    const { index, metric, k, method, because, candidates: asked, notInGraph } = nearest
    const how =
      method === 'exact' ? '' : `: ${asked} candidates, ${notInGraph} labels not in it yet`
    const text =
      `the ${k} nearest by ${metric} in vector index ${index}, ${method}${how}, ` +
      `since ${because}`
    branches.push({ text })
  }
  for (const [i, ranges] of bounds.entries()) {
    const prefix = bounds.length > 1 ? `${i + 1}: ` : ''
    for (const [path, list] of Object.entries(ranges)) {
      branches.push({ text: `${prefix}${path} in ${list.join(', ')}` })
    }
  }
  if (residual) branches.push({ text: 'the filter is checked on each document' })
  if (sort !== null) {
    const method = sort.method == null ? '' : ` (${sort.method})`
    branches.push({ text: `sorted by ${sort.by.join(', ')} by ${sort.from}${method}` })
  }
  if (collation !== null) {
    branches.push({ text: `strings as in ${collation.locale}, strength ${collation.strength}` })
  }
  const { returned, examinedKeys, examinedDocs, millis } = counted
  const text =
    `${returned} returned, of ${examinedKeys} index entries and ${examinedDocs} documents, ` +
    `in ${millis.toFixed(1)} ms`
  branches.push({ text }, { text: 'considered', branches: candidates.map(candidateBranch) })
  return { text: `${plan}${direction === 'backward' ? ', backwards' : ''}`, branches }
}

function candidateBranch({ plan, cost, estimatedRows, rejectedBecause }) {
  const why = rejectedBecause == null ? '' : `: ${rejectedBecause}`
  return { text: `${plan}, cost ${cost}, about ${estimatedRows} rows${why}` }
}

function stageBranch({ stage, rowsIn, rowsOut, memory, method, read, pipelines = {} }) {
  const how = method == null ? '' : ` (${method})`
  const held = memory > 0 ? `, ${memory} bytes of memory` : ''
  const branches = []
  if (read !== undefined) {
    const { store, plan, queries, examinedKeys, examinedDocs } = read
    const text =
      `${store} by ${plan}: ${queries} queries, ${examinedKeys} index entries and ` +
      `${examinedDocs} documents`
    branches.push({ text })
  }
  for (const [name, stages] of Object.entries(pipelines)) {
    branches.push({ text: name, branches: stages.map(stageBranch) })
  }
  return { text: `${stage}${how}: ${rowsIn} in, ${rowsOut} out${held}`, branches }
}

/** The lines of a tree. */
function treeOf({ text, branches = [] }, indent) {
  const lines = [text]
  for (const [i, branch] of branches.entries()) {
    const isLast = i === branches.length - 1
    const [first, ...others] = treeOf(branch, `${indent}${isLast ? '   ' : '│  '}`)
    lines.push(`${indent}${isLast ? '└─' : '├─'} ${first}`, ...others)
  }
  return lines
}

module.exports = { explainPipelineText, explainText }
