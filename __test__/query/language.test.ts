// The contract's lists of stages, accumulators and expressions are those of the library.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { storeOf } from './store'

const CONTRACT = join(__dirname, '../../docs/query-contract.md')

/** The names that a row of the contract lists, by its title. */
function listed(): [string, string[]][] {
  const text = readFileSync(CONTRACT, 'utf8')
  const section = text.slice(text.indexOf('## Pipelines and expressions'))
  const lines = section.slice(0, section.indexOf('\n## ')).split('\n')
  const rows = lines.map((line) => /^\| (\S[^|]*\S) \| (`.*`) \|$/.exec(line))
  return rows.flatMap((row) =>
    row === null
      ? []
      : [[row[1]!, Array.from(row[2]!.matchAll(/`(\$\w+)`/g), ([, name]) => name!)]],
  )
}

/** A pipeline in which a name stands where it may, and what is said if there is none. */
function place(kind: string, name: string): [object, RegExp] {
  if (kind.includes('stages')) return [{ [name]: 5 }, /there is no such stage/]
  const field = { x: { [name]: {} } }
  if (kind.includes('window')) {
    const stage = { $setWindowFields: { sortBy: { id: 1 }, output: field } }
    return [stage, /there is no such accumulator/]
  }
  if (kind.includes('accumulators')) {
    return [{ $group: { _id: null, ...field } }, /there is no such accumulator/]
  }
  return [{ $set: { x: { [name]: [] } } }, /there is no such operator/]
}

test('the contract lists what there is', async (t) => {
  const { store } = await storeOf(t, [])
  const rows = listed()
  assert.ok(rows.length > 10)
  for (const [title, names] of rows) {
    assert.ok(names.length > 0, title)
    for (const name of names) {
      const [stage, unknown] = place(title, name)
      const said = await store
        .aggregate([stage])
        .explain()
        .then(
          () => '',
          (error: any) => error.message as string,
        )
      assert.equal(unknown.test(said), title.startsWith('no '), `${name}: ${said}`)
    }
  }
})
