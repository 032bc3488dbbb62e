import { DURABILITIES } from './contract.mjs'
import { short, table } from './figures.mjs'
import { growthTable } from './growth.mjs'
import { ratioOf } from './summary.mjs'

const INDEXED_DB =
  'The same documents through the interface of IndexedDB (`lodestore/indexeddb`), by the same code:'
const SEALED = 'The same work in databases that are encrypted with a key of 32 bytes:'
const VECTORS =
  'Vectors of 384 components by the cosine, one for five documents of the other rows, in graphs ' +
  'of m 16 and efConstruction 128; in brackets the part of the nearest that was found:'
const percent = (share) => `±${Math.round(share * 50)} %`

function cell(row, workload) {
  if (row === undefined) return '–'
  if (row.wrong !== undefined) return '**wrong result**'
  if (row.failed !== undefined) return row.failed.startsWith('no end') ? row.failed : 'failed'
  const told = short(row.median, workload.unit)
  const figure = isBest(row, workload) ? `**${told}**` : told
  const resident = row.resident === undefined ? '' : ` (RSS ${short(row.resident, 'MB')})`
  const recall = row.recall === undefined ? '' : ` (${row.recall.toFixed(3)})`
  return `${figure}${resident}${recall} ${percent(row.spread)}`
}

function isBest(row, { rows, isLess }) {
  if (row?.median === undefined) return false
  const others = Object.values(rows).filter((one) => one.median !== undefined)
  return others.every((one) => (isLess ? row.median <= one.median : row.median >= one.median))
}

const times = (ratio) => (ratio === undefined ? '–' : `${ratio.toFixed(2)} ×`)

/** How Lodestore compares with the best of many peers. */
const toBest = {
  heads: () => ['Lodestore to best peer'],
  cells({ best, ratio }, _, about) {
    return [ratio === undefined ? '–' : `${times(ratio)} ${about[best].title}`]
  },
}

/** How it compares with each of a few. */
const toEach = {
  heads: (others, about) => others.map((peer) => `Lodestore to ${about[peer].title}`),
  cells: ({ rows, isLess }, others) =>
    others.map((peer) => times(ratioOf(rows.lodestore, rows[peer], isLess))),
}

function figures({ peers, about, summary, notes }, comparison) {
  const others = peers.filter((peer) => peer !== 'lodestore')
  const titles = peers.map((peer) => about[peer].title)
  const head = ['', 'unit', ...titles, ...comparison.heads(others, about)]
  const rows = summary.map((workload) => {
    const { name, rows: byPeer, title, unit } = workload
    const cells = peers.map((peer) => cell(byPeer[peer], workload))
    const compared = comparison.cells(workload, others, about)
    const number = notes.get(name)
    return [number === undefined ? title : `${title} (${number})`, unit, ...cells, ...compared]
  })
  return table(head, rows)
}

function goalTable({ goals }) {
  const rows = goals.map(({ title, goal, reached, isMet }) => {
    const told = isMet === undefined ? '–' : isMet ? 'met' : '**missed**'
    return [title, goal, reached, told]
  })
  const met = goals.filter(({ isMet }) => isMet).length
  return [
    '## Goals',
    '',
    `${met} of ${goals.length} met. Ratios are medians over the passes.`,
    '',
    ...table(['', 'goal', 'reached', ''], rows),
  ]
}

/** The rows that a program of an interface is interested in, and the peers that have some. */
function viewOf(run, summary, notes, isAsked) {
  const asked = summary.filter(isAsked)
  const peers = run.peers.filter((peer) => asked.some(({ rows }) => rows[peer] !== undefined))
  return { ...run, peers, summary: asked, notes }
}

function delays({ peers, about, summary }) {
  const head = ['', ...peers.map((peer) => about[peer].title)]
  const told = (delay) => (delay === undefined ? '–' : delay.toFixed(0))
  const rows = summary.map(({ title, rows: byPeer }) => [
    title,
    ...peers.map((peer) => told(byPeer[peer]?.delay)),
  ])
  return table(head, rows)
}

function durability({ peers, about, versions }) {
  const modes = ['by default', '"fsync" rows', '"relaxed" rows', '"no fsync" rows']
  const rows = peers.map((peer) => {
    const { title, node, durability: reached } = about[peer]
    return [title, versions[peer] ?? '–', node, ...DURABILITIES.map((mode) => reached[mode] ?? '–')]
  })
  return table(['', 'version', 'Node.js', ...modes], rows)
}

function leftOut({ missing, scales, about }) {
  const lines = missing.map(({ name, reason }) => `- ${name}: ${reason}`)
  for (const { docs, skipped } of scales) {
    for (const { name, reason } of skipped) {
      lines.push(`- ${about[name]?.title ?? name}, ${docs.toLocaleString('en')}: ${reason}`)
    }
  }
  return lines.length === 0 ? [] : ['Not measured:', '', ...lines, '']
}

/** The workloads' notes, numbered in the order of their rows. */
function numberNotes(summary) {
  const texts = []
  const notes = new Map()
  for (const { name, note } of summary) {
    if (note === undefined) continue
    if (!texts.includes(note)) texts.push(note)
    notes.set(name, texts.indexOf(note) + 1)
  }
  return { notes, texts }
}

/**
 * The report in Markdown.
 *
 * @param {object} run the machine, the options, `peers` (names), `about`, `versions`, `missing`,
 *   `scales` (a summary for each size), `goals` and `growth`
 * @returns {string}
 */
export function report(run) {
  const { seconds, main } = run.options
  const { node, platform, arch, cpus, model } = run.machine
  const { summary, passes } = run.scales.find(({ docs }) => docs === main)
  const { notes, texts } = numberNotes(summary)
  const own = viewOf(run, summary, notes, ({ api }) => api === undefined)
  const sealed = viewOf(run, summary, notes, ({ api }) => api === 'sealed')
  const indexedDb = viewOf(run, summary, notes, ({ api }) => api === 'indexeddb')
  const vectors = viewOf(run, summary, notes, ({ api }) => api === 'vectors')
  return [
    '# Benchmark',
    '',
    `${main.toLocaleString('en')} documents of about 350 bytes of JSON with 12 fields, indexes on`,
    `\`city\` (1,000 values) and \`score\`. Medians of ${passes} passes, each in fresh processes,`,
    `${seconds} s a workload after a warm-up; ± is half the distance between the worst and the`,
    'best pass. Each answer is checked. The best peer is the best one that stores documents and',
    'decodes them: references, and lokijs, whose documents are live objects, are shown for scale.',
    `Node.js ${node}, ${platform} ${arch}, ${cpus} processors (${model}).`,
    '',
    '![Figures relative to the best](chart.svg)',
    '',
    ...(own.summary.length > 0 ? [...figures(own, toBest), ''] : []),
    ...(sealed.summary.length > 0 ? [SEALED, '', ...figures(sealed, toBest), ''] : []),
    ...(indexedDb.summary.length > 0 ? [INDEXED_DB, '', ...figures(indexedDb, toEach), ''] : []),
    ...(vectors.summary.length > 0 ? [VECTORS, '', ...figures(vectors, toEach), ''] : []),
    ...texts.map((text, i) => `${i + 1}. ${text}`),
    '',
    ...leftOut(run),
    ...goalTable(run),
    '',
    ...growthTable(run),
    '## What an acknowledged write has reached',
    '',
    ...durability(run),
    '',
    'SQLite: prepared statements, rows as arrays, WAL, 2 GiB mapped, 64 MiB of cache. lmdb: shared',
    'structures. classic-level: 64 MiB of cache, 16 MiB of write buffer.',
    '',
    '## Event loop held up, 99th percentile in ms',
    '',
    'Every workload lets the loop turn about once a millisecond, so this is for how long single',
    'calls hold it.',
    '',
    ...(own.summary.length > 0 ? [...delays(own), ''] : []),
    ...(sealed.summary.length > 0 ? [...delays(sealed), ''] : []),
    ...(indexedDb.summary.length > 0 ? [...delays(indexedDb), ''] : []),
    ...(vectors.summary.length > 0 ? [...delays(vectors), ''] : []),
  ].join('\n')
}
