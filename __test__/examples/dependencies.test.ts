import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { root } from './run'

const read = (file: string) => readFileSync(join(root, file), 'utf8')

/** The crates that Cargo.toml names. */
function crates(): string[] {
  const sections = read('Cargo.toml').split(/^\[/m)
  return sections
    .filter((section) => /^([^\]]*[.-])?dependencies\]/.test(section))
    .flatMap((section) => Array.from(section.matchAll(/^([\w-]+) *=/gm), ([, name]) => name ?? ''))
}

/** What the tables of docs/dependencies.md list. */
function listed(): string[] {
  const rows = Array.from(read('docs/dependencies.md').matchAll(/^\| (`.+?`) \|/gm))
  return rows.flatMap(([, cell = '']) => cell.replaceAll('`', '').split(', '))
}

test('docs/dependencies.md lists every dependency, and no other', () => {
  const packages = Object.keys(JSON.parse(read('package.json')).devDependencies)
  const expected = [...new Set([...crates(), ...packages])]
  assert.ok(expected.includes('libc') && expected.includes('tsx'))
  assert.deepEqual(listed().toSorted(), expected.toSorted())
})
