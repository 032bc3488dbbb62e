import { DURABILITIES } from './contract.mjs'

/** A figure in few characters. */
export function short(figure, unit) {
  if (unit === 'ms' || unit === 'MB') return figure.toFixed(figure < 10 ? 2 : 1)
  if (figure >= 1e6) return `${(figure / 1e6).toPrecision(3)} M`
  if (figure >= 1e3) return `${(figure / 1e3).toPrecision(3)} k`
  return figure.toPrecision(3)
}

const percent = (share) => `±${Math.round(share * 50)} %`

function cell(row, workload) {
  if (row === undefined) return '–'
  if (row.wrong !== undefined) return '**wrong result**'
  if (row.failed !== undefined) return 'failed'
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

const line = (cells) => `| ${cells.join(' | ')} |`

function figures({ peers, about, summary }) {
  const head = ['', 'unit', ...peers.map((peer) => about[peer].title), 'Lodestore to best peer']
  const lines = summary.map((workload) => {
    const { rows, best, ratio, title, unit } = workload
    const cells = peers.map((peer) => cell(rows[peer], workload))
    const compared = ratio === undefined ? '–' : `${ratio.toFixed(2)} × ${about[best].title}`
    return line([title, unit, ...cells, compared])
  })
  return [line(head), line(head.map(() => '---')), ...lines]
}

function delays({ peers, about, summary }) {
  const head = ['', ...peers.map((peer) => about[peer].title)]
  const lines = summary.map(({ title, rows }) => {
    const cells = peers.map((peer) => rows[peer]?.delay)
    return line([title, ...cells.map((delay) => (delay === undefined ? '–' : delay.toFixed(0)))])
  })
  return [line(head), line(head.map(() => '---')), ...lines]
}

function durability({ peers, about, versions }) {
  const head = ['', 'version', 'by default', '"fsync" rows', '"relaxed" rows', '"no fsync" rows']
  const lines = peers.map((peer) => {
    const { title, durability: reached } = about[peer]
    return line([title, versions[peer] ?? '', ...DURABILITIES.map((mode) => reached[mode] ?? '–')])
  })
  return [line(head), line(head.map(() => '---')), ...lines]
}

/**
 * The report in Markdown.
 *
 * @param {object} run the machine, the options, `peers` (names), `about`, `versions`, `missing`,
 *   `summary`
 * @returns {string}
 */
export function report(run) {
  const { docs, passes, seconds } = run.options
  const { node, platform, arch, cpus } = run.machine
  const missing = run.missing.map(({ name, reason }) => `- ${name}: ${reason}`)
  return [
    '# Benchmark',
    '',
    `${docs.toLocaleString('en')} documents of about 350 bytes of JSON with 12 fields, indexes on`,
    `\`city\` and \`score\`. Medians of ${passes} passes, each in fresh processes, ${seconds} s a`,
    'workload; ± is half the distance between the worst and the best pass. Each answer is checked.',
    `Node.js ${node}, ${platform} ${arch}, ${cpus} processors.`,
    '',
    '![Figures relative to the best](chart.svg)',
    '',
    ...figures(run),
    '',
    ...(missing.length > 0 ? ['Not measured:', '', ...missing, ''] : []),
    '## What an acknowledged write has reached',
    '',
    ...durability(run),
    '',
    '## Event loop held up, 99th percentile in ms',
    '',
    'Synchronous peers hold the loop for as long as they work, and so does a loop of awaits that',
    'never waits for anything.',
    '',
    ...delays(run),
    '',
  ].join('\n')
}
