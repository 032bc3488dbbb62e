import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeDirectory, root, runProgram } from '../examples/run'
import { runtime } from '../support/runtime'

const OUTPUT = [
  'older than 40: Alan, Émilie',
  'mathematics: Ada, Alan, Émilie',
  'in London, up to 40: Ada',
  'Error, and there are 4 friends',
  'young: Ada (37), Blaise (39)',
  'young: Évariste (20), Ada (37), Blaise (39)',
]

const inDeno = runtime === 'deno' && 'programs with Dexie do not end by themselves'

test('examples/indexeddb/dexie.mjs prints the same, twice', { skip: inDeno }, async (t) => {
  const { directory, remove } = makeDirectory()
  t.after(remove)
  for (const run of ['first', 'second']) {
    const file = join(root, 'examples', 'indexeddb', 'dexie.mjs')
    const { stdout, stderr } = await runProgram(file, directory)
    assert.deepEqual(stdout.trimEnd().split('\n'), OUTPUT, `${run} run`)
    assert.equal(stderr, '', `${run} run`)
  }
})
