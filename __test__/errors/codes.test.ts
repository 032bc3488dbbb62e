import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

const root = join(__dirname, '..', '..')
const native: { errorCodes(): string[] } = require('../../lib/binding')
const { RETRYABLE }: { RETRYABLE: Set<string> } = require('../../lib/errors')

const codes = native.errorCodes().map((code) => code.replace('*', ''))
const retryable = native.errorCodes().filter((code) => code.endsWith('*'))

test('index.d.ts has exactly the codes of the native library', () => {
  const types = readFileSync(join(root, 'index.d.ts'), 'utf8')
  const [, union] = /export type ErrorCode =([^\n]*(?:\n {2}\| '[A-Z_]+')+)/.exec(types) ?? []
  assert.ok(union !== undefined)
  assert.deepEqual(
    [...union.matchAll(/'([A-Z_]+)'/g)].map(([, code]) => code),
    codes,
  )
})

test('docs/errors.md explains exactly the codes of the native library', () => {
  const page = readFileSync(join(root, 'docs', 'errors.md'), 'utf8')
  const documented = [...page.matchAll(/^\| `([A-Z_]+)`( \(retryable\))? \|/gm)]
  assert.deepEqual(documented.map(([, code]) => code).toSorted(), codes.toSorted())
  const marked = documented.filter(([, , mark]) => mark !== undefined).map(([, code]) => `${code}*`)
  assert.deepEqual(marked.toSorted(), retryable.toSorted())
})

test('lib/errors.js calls the same codes retryable', () => {
  assert.deepEqual([...RETRYABLE].map((code) => `${code}*`).toSorted(), retryable.toSorted())
})

test('every code in lib/ is one of the table', () => {
  const lib = join(root, 'lib')
  const files = readdirSync(lib, { recursive: true, encoding: 'utf8' })
  let found = 0
  for (const file of files.filter((name) => name.endsWith('.js'))) {
    const text = readFileSync(join(lib, file), 'utf8')
    for (const [, code] of text.matchAll(/LodestoreError\(\s*'([A-Z_]+)'/g)) {
      assert.ok(codes.includes(code!), `${code} in ${file}`)
      found++
    }
  }
  assert.ok(found > 20)
})
