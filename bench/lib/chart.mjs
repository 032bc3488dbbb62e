import { short } from './report.mjs'

const COLOURS = [
  '#d9480f',
  '#1971c2',
  '#2f9e44',
  '#74b816',
  '#9c36b5',
  '#868e96',
  '#f08c00',
  '#495057',
]
const BAR = 13
const GAP = 22
const LABELS = 250
const BARS = 520
const WIDTH = LABELS + BARS + 110

const escape = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')

/**
 * Bars per workload, each as long as its figure compared with the best of the workload. Where less
 * is better the bar is the best figure's share of it, so the longest bar always wins.
 *
 * @param {object} run as for the report
 * @returns {string} an SVG image
 */
export function chart({ peers, about, summary }) {
  const parts = []
  let y = 30
  for (const [i, peer] of peers.entries()) {
    const x = 10 + (i % 4) * 215
    const line = y + Math.floor(i / 4) * 18
    parts.push(`<rect x="${x}" y="${line - 10}" width="11" height="11" fill="${COLOURS[i]}"/>`)
    parts.push(`<text x="${x + 17}" y="${line}">${escape(about[peer].title)}</text>`)
  }
  y += Math.ceil(peers.length / 4) * 18 + 10
  for (const { title, unit, rows, isLess } of summary) {
    const shown = peers.filter((peer) => rows[peer]?.median > 0)
    const medians = shown.map((peer) => rows[peer].median)
    const best = isLess ? Math.min(...medians) : Math.max(...medians)
    parts.push(`<text x="10" y="${y + 11}" font-weight="bold">${escape(title)}</text>`)
    for (const peer of shown) {
      const figure = rows[peer].median
      const length = Math.max(1, (isLess ? best / figure : figure / best) * BARS)
      const colour = COLOURS[peers.indexOf(peer)]
      const size = `width="${length.toFixed(1)}" height="${BAR - 2}"`
      parts.push(`<rect x="${LABELS}" y="${y}" ${size} fill="${colour}"/>`)
      const at = `x="${(LABELS + length + 6).toFixed(1)}" y="${y + 10}"`
      parts.push(`<text ${at} font-size="10">${short(figure, unit)} ${unit}</text>`)
      y += BAR
    }
    y += GAP - BAR
  }
  const head =
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" ` +
    'font-family="system-ui, sans-serif" font-size="12" fill="#212529">'
  const paper = '<rect width="100%" height="100%" fill="#ffffff"/>'
  return [head, paper, ...parts, '</svg>', ''].join('\n')
}
