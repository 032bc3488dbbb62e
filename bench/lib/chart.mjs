import { short } from './figures.mjs'

const COLOURS = [
  '#d9480f',
  '#1971c2',
  '#2f9e44',
  '#74b816',
  '#0c8599',
  '#9c36b5',
  '#868e96',
  '#f08c00',
  '#343a40',
  '#adb5bd',
  '#6741d9',
  '#e64980',
]
const COLUMNS = 3
const PANEL = 340
const MARGIN = 16
/** The longest bar; what is left of a panel is for its figure. */
const BARS = 225
const BAR = 14
const TITLE = 32
const LEGEND = 18
const SMALL = ' font-size="10" fill="#868e96"'

const escape = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')

const rect = (x, y, width, height, fill) =>
  `<rect x="${x}" y="${y}" width="${width.toFixed(1)}" height="${height}" fill="${fill}"/>`

const text = (x, y, content, more = '') =>
  `<text x="${x}" y="${y}"${more}>${escape(content)}</text>`

function legend(peers, about) {
  const parts = []
  for (const [i, peer] of peers.entries()) {
    const x = MARGIN + (i % 4) * 255
    const y = MARGIN + Math.floor(i / 4) * LEGEND
    parts.push(rect(x, y, 11, 11, COLOURS[i]), text(x + 17, y + 10, about[peer].title))
  }
  return parts
}

/**
 * Bars as long as their figure compared with the best; where less is better, the other way. One
 * beyond the best, which is shown for scale, is cut off.
 */
function panel(x, y, peers, about, { title, unit, rows, isLess }) {
  const shown = peers.filter((peer) => rows[peer]?.median > 0)
  const compared = shown.filter((peer) => !about[peer].isForScale)
  const medians = compared.map((peer) => rows[peer].median)
  const best = isLess ? Math.min(...medians) : Math.max(...medians)
  const parts = [
    text(x, y + 12, title, ' font-weight="bold"'),
    text(x, y + 25, isLess ? `${unit}, less is better` : unit, SMALL),
  ]
  for (const [i, peer] of shown.entries()) {
    const figure = rows[peer].median
    const share = isLess ? best / figure : figure / best
    const length = Math.max(1, Math.min(1, share) * BARS)
    const top = y + TITLE + i * BAR
    parts.push(rect(x, top, length, BAR - 3, COLOURS[peers.indexOf(peer)]))
    const weight = peer === 'lodestore' ? ' font-weight="bold"' : ''
    const more = ` font-size="10"${weight}`
    const told = `${share > 1 ? '› ' : ''}${short(figure, unit)}`
    parts.push(text((x + length + 5).toFixed(1), top + 9, told, more))
  }
  return { parts, height: TITLE + shown.length * BAR + 14 }
}

/**
 * Bars per workload of the set on which all workloads run; the longest bar always wins. What only
 * one of the peers does has no bars.
 *
 * @param {object} run as for the report
 * @returns {string} an SVG image
 */
export function chart({ peers, about, scales, options }) {
  const { summary } = scales.find(({ docs }) => docs === options.main)
  const parts = legend(peers, about)
  let y = MARGIN * 2 + Math.ceil(peers.length / 4) * LEGEND
  const compared = summary.filter(({ rows, best }) => rows.lodestore && best !== undefined)
  for (let first = 0; first < compared.length; first += COLUMNS) {
    const heights = compared.slice(first, first + COLUMNS).map((workload, column) => {
      const drawn = panel(MARGIN + column * PANEL, y, peers, about, workload)
      parts.push(...drawn.parts)
      return drawn.height
    })
    y += Math.max(...heights)
  }
  const head =
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${COLUMNS * PANEL + MARGIN} ${y}" ` +
    'font-family="system-ui, sans-serif" font-size="12" fill="#212529">'
  return [head, rect(0, 0, COLUMNS * PANEL + MARGIN, y, '#ffffff'), ...parts, '</svg>', ''].join(
    '\n',
  )
}
