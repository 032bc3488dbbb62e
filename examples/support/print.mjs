/** Output for people: aligned tables, timings, a progress bar. */

const BAR_WIDTH = 30
const REDRAW_MS = 50

const numbers = new Intl.NumberFormat('en-US')
const isNumeric = (cell) => typeof cell === 'number'

/** A number with thousands separators. */
export const count = (value) => numbers.format(value)

/** A time span in the unit that suits it. */
export function span(milliseconds) {
  if (milliseconds < 1) return `${count(Math.round(milliseconds * 1000))} µs`
  if (milliseconds < 1000) return `${milliseconds.toFixed(1)} ms`
  return `${(milliseconds / 1000).toFixed(2)} s`
}

/** A size in the unit that suits it. */
export function size(bytes) {
  const mebibytes = bytes / 2 ** 20
  return mebibytes < 1 ? `${Math.ceil(bytes / 1024)} KiB` : `${mebibytes.toFixed(1)} MiB`
}

/** A date without its time of day. */
export const day = (date) => date.toISOString().slice(0, 10)

/** Runs a function and tells how long it took: `[result, milliseconds]`. */
export async function timed(run) {
  const begun = performance.now()
  const result = await run()
  return [result, performance.now() - begun]
}

/** Prints a heading. */
export function heading(text, milliseconds) {
  const time = milliseconds === undefined ? '' : `  (${span(milliseconds)})`
  console.log(`\n${text}${time}`)
}

/**
 * Prints rows under headers, numbers flush right.
 *
 * @param {string[]} headers
 * @param {(string | number)[][]} rows
 */
export function table(headers, rows) {
  const text = rows.map((row) => row.map((cell) => (isNumeric(cell) ? count(cell) : cell)))
  const widths = headers.map((header, column) =>
    Math.max(header.length, ...text.map((row) => row[column].length)),
  )
  const flushRight = headers.map((_, column) => rows.every((row) => isNumeric(row[column])))
  const line = (cells) =>
    cells
      .map((cell, column) =>
        flushRight[column] ? cell.padStart(widths[column]) : cell.padEnd(widths[column]),
      )
      .join('  ')
      .trimEnd()
  console.log(`  ${line(headers)}`)
  console.log(`  ${widths.map((width) => '─'.repeat(width)).join('  ')}`)
  for (const row of text) console.log(`  ${line(row)}`)
}

/** Reports how far some work is: a bar on a terminal, a line for each quarter elsewhere. */
export class Progress {
  #label
  #drawn = 0
  #quarter = 0
  #begun = performance.now()

  /** @param {string} label */
  constructor(label) {
    this.#label = label
  }

  /** The work is this far. */
  update(done, total) {
    const share = total === 0 ? 1 : done / total
    if (process.stdout.isTTY) this.#draw(share, done, total)
    else this.#print(share, done, total)
  }

  #draw(share, done, total) {
    const now = performance.now()
    if (done < total && now - this.#drawn < REDRAW_MS) return
    this.#drawn = now
    const filled = Math.round(share * BAR_WIDTH)
    const bar = '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled)
    process.stdout.write(`\r  ${this.#label} ${bar} ${count(done)} of ${count(total)} `)
  }

  #print(share, done, total) {
    const quarter = Math.floor(share * 4)
    if (quarter <= this.#quarter) return
    this.#quarter = quarter
    console.log(`  ${this.#label} ${count(done)} of ${count(total)}`)
  }

  /** The work is done; returns how many milliseconds it took. */
  finish() {
    if (process.stdout.isTTY) process.stdout.write('\n')
    return performance.now() - this.#begun
  }
}
