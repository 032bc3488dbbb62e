import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { OWN_KEYS, unlessSealed } from '../support/sealed'
import { OUTPUT } from './output'
import { makeDirectory, root, runProgram } from './run'

/** The tour has a test of its own. */
const TOUR = 'main.mjs'

const lines = (text: string) => text.trimEnd().split('\n')

test('every example is tested', () => {
  const files = readdirSync(join(root, 'examples')).filter((name) => /\.[cm]js$/.test(name))
  assert.deepEqual(files.toSorted(), [...Object.keys(OUTPUT), TOUR].toSorted())
})

for (const [name, expected] of Object.entries(OUTPUT)) {
  const options = name === 'encryption.mjs' ? unlessSealed(OWN_KEYS) : {}
  test(`examples/${name} prints what it should, twice in one place`, options, async (t) => {
    const { directory, remove } = makeDirectory()
    t.after(remove)
    for (const run of ['first', 'second']) {
      const { stdout, stderr } = await runProgram(join(root, 'examples', name), directory)
      assert.deepEqual(lines(stdout), expected, `${run} run`)
      assert.equal(stderr, '', `${run} run`)
    }
  })
}
