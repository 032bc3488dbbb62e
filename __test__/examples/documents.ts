import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './run'

/*
 * The programs in a document: blocks of JavaScript whose first line is ```js run. The blocks of one
 * chapter (## heading) make one program, and begin with those of the chapter that is called the
 * same as `prelude`, which every other chapter assumes.
 *
 * What a comment says is checked: `expression // → value`, `const name = expression // → value`,
 * `console.log(expression) // → value` and `expression // throws CODE`.
 */

/** A chapter's program. */
export interface Program {
  title: string
  source: string
  /** How many statements are checked. */
  checks: number
}

const RUNTIME = `
import assert from 'node:assert/strict'
async function check(actual, expected) {
  assert.deepEqual(await actual, expected)
}
async function checkThrows(run, code) {
  await assert.rejects(async () => run(), { name: 'LodestoreError', code })
}
`

/** The programs of a document, by chapter. */
export function programsOf(file: string, prelude?: string): Program[] {
  const text = readFileSync(join(root, file), 'utf8')
  const chapters = text.split(/^## /m).map((chapter, i) => ({
    title: i === 0 ? 'introduction' : chapter.slice(0, chapter.indexOf('\n')).trim(),
    blocks: Array.from(chapter.matchAll(/^```js run\n([\s\S]*?)^```$/gm), ([, block]) => block),
  }))
  const before = chapters.find(({ title }) => title === prelude)
  if (prelude !== undefined && before === undefined) throw new Error(`${file} has no ${prelude}`)
  return chapters
    .filter(({ blocks }) => blocks.length > 0)
    .map(({ title, blocks }) => {
      const shared = before === undefined || title === prelude ? [] : before.blocks
      const lines = [...shared, ...blocks].join('\n').split('\n')
      const checked = lines.map(checkedLine)
      const checks = checked.filter((line, i) => line !== lines[i]).length
      return { title, source: `${RUNTIME}\n${checked.join('\n')}\n`, checks }
    })
}

function checkedLine(line: string): string {
  const throwing = /^(\s*)(\S.*?)\s+\/\/ throws ([A-Z_]+)$/.exec(line)
  if (throwing !== null) {
    const [, indent, expression, code] = throwing
    return `${indent}await checkThrows(async () => (${expression}), '${code}')`
  }
  const valued = /^(\s*)(\S.*?)\s+\/\/ → (.+)$/.exec(line)
  if (valued === null) return line
  const [, indent, statement = '', value] = valued
  const declared = /^const (\w+) = (.+)$/.exec(statement)
  if (declared !== null) {
    return `${indent}${statement}; await check(${declared[1]}, (${value}))`
  }
  const printed = /^console\.log\((.+)\)$/.exec(statement)
  return `${indent}await check(${printed?.[1] ?? statement}, (${value}))`
}
