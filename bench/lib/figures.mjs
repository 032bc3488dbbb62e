/** A figure in few characters. */
export function short(figure, unit) {
  if (unit === 'ms' || unit === 'MB' || unit === 'µs') {
    return figure.toFixed(Math.abs(figure) < 10 ? 2 : 1)
  }
  if (figure >= 1e6) return `${(figure / 1e6).toPrecision(3)} M`
  if (figure >= 1e3) return `${(figure / 1e3).toPrecision(3)} k`
  return figure.toPrecision(3)
}

/** A row of a Markdown table. */
export const line = (cells) => `| ${cells.join(' | ')} |`

/** A Markdown table. */
export function table(head, rows) {
  return [line(head), line(head.map(() => '---')), ...rows.map(line)]
}
