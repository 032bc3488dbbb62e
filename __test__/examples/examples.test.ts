import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeDirectory, root, runProgram } from './run'

/** What each example prints, line by line. */
const OUTPUT: Record<string, string[]> = {
  'quick-start.mjs': [
    'Ada joined in 2024',
    'grace@example.com is user 2',
    'refused: UNIQUE_VIOLATION',
    '2 users',
  ],
  'quick-start.cjs': ['Buy milk: done'],
  'indexes-and-ranges.mjs': [
    '40 and older: Alan, Émilie',
    'in their thirties: Ada, Blaise',
    'Paris, oldest first: Émilie, Blaise',
    'London, from 40: Alan',
    'mathematicians: 3',
    'with a street: 1',
    'from the end: Émilie',
    'from the end: Blaise',
  ],
  'transactions.mjs': [
    'not transferred: ada has only 70',
    'balances: ada 70, grace 50',
    'savepoint undone: better not',
    'accounts: 2 journal: 2',
    'seen inside: 5',
    'still there: true',
    'one state: 3',
    'refused: TX_READ_ONLY',
    'afterwards: 4',
  ],
  'cursors.mjs': [
    'Handel 3 Hornpipe',
    'Vivaldi 4 Winter',
    'at Handel',
    'then Vivaldi',
    'then the end',
    'artists: Vivaldi, Handel, Bach',
    'plays: 11, 8, 13',
  ],
  'bulk-import.mjs': [
    'read 5000',
    'read 10000',
    'read 15000',
    'read 20000',
    'imported 20000',
    'document 1: INVALID_KEY',
    'document 2: INVALID_KEY',
    'built: 20000 of 20000',
    'latest of s3: 19995',
  ],
  'snapshots.mjs': [
    'now: 1 in the snapshot: 5000',
    'sum in the snapshot: 12497500',
    'seen although cleared meanwhile: 3000',
  ],
  'queries.mjs': [
    'old parts of CSS: 999',
    'css.at-rules.font-face.font-family in Chrome 4, css.at-rules.font-face.font-style in Chrome 4',
    'one by one: charset',
    'one by one: font-face',
    'properties of the grid: css.properties.grid-area, css.properties.grid-auto-columns',
    'in no browser: 409',
    'built: javascript.builtins.String.isWellFormed, ' +
      'javascript.builtins.String.toWellFormed, javascript.builtins.String.trim',
    'Safari by numbers: 14',
    'CSS in Chrome 100: 1',
    'CSS in Chrome 120: 53',
    'a long name: descriptor_entries_resource_parameter_accepts_GPUBuffer',
    'byAreaAndStatus: 82 of 82 entries',
  ],
  'paging.mjs': [
    'first page: types.calc.typed_division_produces_unitless_number, ' +
      'types.sign.typed_division_produces_unitless_number, properties.contain.style …',
    'second page: properties.height.stretch, properties.overflow-anchor, ' +
      'properties.overflow-anchor.auto …',
    'and back: types.calc.typed_division_produces_unitless_number, ' +
      'types.sign.typed_division_produces_unitless_number, properties.contain.style',
    'second page again: properties.height.stretch, properties.overflow-anchor, ' +
      'properties.overflow-anchor.auto …',
    '9 pages, as many documents as the query: true',
    'refused: INVALID_CURSOR',
  ],
  'aggregation.mjs': [
    'api: 10265, up to 156',
    'css: 4227, up to 156',
    'webextensions: 2078, up to 153',
    'CSS: 3250 standard, 693 experimental, 202 non-standard, 82 deprecated',
    'WebAssembly runs in firefox (333), firefox_android (333)',
    'areas: 12',
    'Style sheets: 4227 features',
    'Graphics: 446 features',
    '1. api, 2. css',
  ],
  'updates.mjs': [
    'matched 1 modified 1',
    '3 useful, old',
    'matched 1 modified 0',
    'inserted own.new',
    'views: 100',
    '3906 of 3906 changed; the oldest: 159',
    'a name is no number: INVALID_UPDATE',
    'deleted: 10',
    'left: 4217',
  ],
  'spaces.mjs': ['spaces: ada, grace', "ada's first note", 'left: ada'],
  'worker-threads.mjs': ['rows: 3000', 'of worker 1: 1000'],
  'backup.mjs': ['everything copied: true', 'orders in the copy are at least: 3000'],
}

/** The tour has a test of its own. */
const TOUR = 'main.mjs'

const lines = (text: string) => text.trimEnd().split('\n')

test('every example is tested', () => {
  const files = readdirSync(join(root, 'examples')).filter((name) => /\.[cm]js$/.test(name))
  assert.deepEqual(files.toSorted(), [...Object.keys(OUTPUT), TOUR].toSorted())
})

for (const [name, expected] of Object.entries(OUTPUT)) {
  test(`examples/${name} prints what it should, twice in one place`, async (t) => {
    const { directory, remove } = makeDirectory()
    t.after(remove)
    for (const run of ['first', 'second']) {
      const { stdout, stderr } = await runProgram(join(root, 'examples', name), directory)
      assert.deepEqual(lines(stdout), expected, `${run} run`)
      assert.equal(stderr, '', `${run} run`)
    }
  })
}
