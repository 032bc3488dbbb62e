/** The tables of docs/reentrancy.md. */

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CLASSES, ROWS, type Row } from './rows'
import { CONTEXTS, type Situation } from './contexts'
import { SCOPES } from './scopes'
import { THREADS } from './threads'

const PATH = join(__dirname, '..', '..', 'docs', 'reentrancy.md')
/** What stands behind it is written by `writeTables`. */
const MARK = '<!-- The tables: __test__/reentrancy executes every cell. -->'

/** The sections of the document, with a table for each class. */
const SECTIONS: readonly [title: string, situations: readonly Situation[]][] = [
  ['Calls on a database', [...CONTEXTS, ...THREADS]],
  ['Calls on a transaction', SCOPES.filter(({ classes }) => classes.includes('Transaction'))],
  ['Calls on a snapshot', SCOPES.filter(({ classes }) => classes.includes('Snapshot'))],
]

export const SITUATIONS: readonly Situation[] = SECTIONS.flatMap(([, situations]) => situations)

/** The name of a cell. */
export const cellOf = (situation: string, { of, method }: Pick<Row, 'of' | 'method'>): string =>
  `${situation}: ${of}.${method}`

/** All cells that the document has, by name. */
export function readTables(): Map<string, string> {
  const cells = new Map<string, string>()
  let of = ''
  let columns: string[] | null = null
  const [, tables = ''] = readFileSync(PATH, 'utf8').split(MARK)
  for (const line of tables.split('\n')) {
    if (line.startsWith('### ')) of = line.slice(4)
    if (!line.startsWith('|')) {
      columns = null
    } else if (columns === null) {
      columns = partsOf(line)
    } else if (!line.startsWith('|-')) {
      const [method, ...words] = partsOf(line)
      for (const [i, word] of words.entries()) {
        cells.set(cellOf(columns[i + 1]!, { of, method: method!.replaceAll('`', '') }), word)
      }
    }
  }
  return cells
}

function partsOf(line: string): string[] {
  return line
    .split('|')
    .slice(1, -1)
    .map((part) => part.trim())
}

/** Writes the tables anew. */
export function writeTables(cells: ReadonlyMap<string, string>): void {
  const [prose] = readFileSync(PATH, 'utf8').split(MARK)
  const lines = [`${prose}${MARK}`]
  for (const [title, situations] of SECTIONS) {
    lines.push('', `## ${title}`)
    for (const of of CLASSES) {
      const columns = situations.filter(({ classes }) => classes.includes(of))
      if (columns.length === 0) continue
      lines.push('', `### ${of}`, '')
      lines.push(`| | ${columns.map(({ name }) => name).join(' | ')} |`)
      lines.push(`|-${'|---'.repeat(columns.length)}|`)
      for (const row of ROWS.filter((each) => each.of === of)) {
        const words = columns.map(({ name }) => cells.get(cellOf(name, row)) ?? '?')
        lines.push(`| \`${row.method}\` | ${words.join(' | ')} |`)
      }
    }
  }
  writeFileSync(PATH, `${lines.join('\n')}\n`)
}
