import { DURABILITIES } from './contract.mjs'
import { short, table } from './figures.mjs'
import { growthTable } from './growth.mjs'

const percent = (share) => `±${Math.round(share * 50)} %`

function cell(row, workload) {
  if (row === undefined) return '–'
  if (row.wrong !== undefined) return '**wrong result**'
  if (row.failed !== undefined) return row.failed.startsWith('no end') ? row.failed : 'failed'
  const told = short(row.median, workload.unit)
  const figure = isBest(row, workload) ? `**${told}**` : told
  const resident = row.resident === undefined ? '' : ` (RSS ${short(row.resident, 'MB')})`
  return `${figure}${resident} ${percent(row.spread)}`
}

function isBest(row, { rows, isLess }) {
  if (row?.median === undefined) return false
  const others = Object.values(rows).filter((one) => one.median !== undefined)
  return others.every((one) => (isLess ? row.median <= one.median : row.median >= one.median))
}

function figures({ peers, about, summary, notes }) {
  const head = ['', 'unit', ...peers.map((peer) => about[peer].title), 'Lodestore to best peer']
  const rows = summary.map((workload) => {
    const { name, rows: byPeer, best, ratio, title, unit } = workload
    const cells = peers.map((peer) => cell(byPeer[peer], workload))
    const compared = ratio === undefined ? '–' : `${ratio.toFixed(2)} × ${about[best].title}`
    const number = notes.get(name)
    return [number === undefined ? title : `${title} (${number})`, unit, ...cells, compared]
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
  const view = { ...run, summary, notes }
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
    ...figures(view),
    '',
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
    ...delays(view),
    '',
  ].join('\n')
}
