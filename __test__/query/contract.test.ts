// Every rule of docs/query-contract.md names tests that exist.

import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

const root = join(__dirname, '..', '..')

/** The tests that the page names: `file: name`. */
function namedTests(): [file: string, name: string][] {
  const page = readFileSync(join(root, 'docs', 'query-contract.md'), 'utf8')
  return Array.from(page.matchAll(/`([\w./-]+\.(?:test\.ts|rs)): ([^`]+)`/g), ([, file, name]) => [
    file!.endsWith('.rs') ? file! : join('__test__', 'query', file!),
    name!,
  ])
}

test('docs/query-contract.md names tests that exist', () => {
  const named = namedTests()
  assert.ok(named.length > 50, `only ${named.length}`)
  for (const [file, name] of named) {
    assert.ok(existsSync(join(root, file)), `there is no ${file}`)
    const text = readFileSync(join(root, file), 'utf8')
    const isThere = file.endsWith('.rs')
      ? text.includes(`fn ${name}()`)
      : [`test('${name}'`, `test(\`${name}\``].some((head) => text.includes(head))
    assert.ok(isThere, `${file} has no test '${name}'`)
  }
})

test('every rule of the tables names one', () => {
  const page = readFileSync(join(root, 'docs', 'query-contract.md'), 'utf8')
  const [rules = ''] = page.split('## Differences from MongoDB')
  const rows = rules
    .split('\n')
    .filter((line) => /^\|(?!-)/.test(line) && !line.endsWith('held by |'))
  assert.ok(rows.length > 40)
  for (const row of rows) assert.match(row, /\.(test\.ts|rs): /, row)
})
