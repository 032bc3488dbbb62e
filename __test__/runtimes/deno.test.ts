import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { makeDirectory } from '../examples/run'
import { runtime } from '../support/runtime'

const skip = runtime !== 'deno' && 'only Deno asks for permissions'

const PROGRAM = `
let outcome
try {
  const { open } = await import('lodestore')
  const db = await open('data', { stores: { s: {} } })
  await db.store('s').put('there', 1)
  outcome = { value: await db.store('s').get(1) }
  await db.close()
} catch ({ name, code, message }) {
  outcome = { name, code, message }
}
console.log(JSON.stringify(outcome))
`

/** What the program says when it has some permissions. */
async function runWith(permissions: string[]): Promise<Record<string, string>> {
  const { directory, remove } = makeDirectory()
  try {
    writeFileSync(join(directory, 'program.mjs'), PROGRAM)
    const args = ['run', '--no-prompt', ...permissions, 'program.mjs']
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: directory })
    return JSON.parse(stdout)
  } finally {
    remove()
  }
}

test('three permissions of Deno are enough', { skip }, async () => {
  assert.deepEqual(await runWith(['--allow-read', '--allow-env', '--allow-ffi']), {
    value: 'there',
  })
})

for (const missing of ['env', 'ffi']) {
  test(`without --allow-${missing} the load is UNSUPPORTED and says so`, { skip }, async () => {
    const given = ['read', 'env', 'ffi'].filter((name) => name !== missing)
    const { name, code, message } = await runWith(given.map((each) => `--allow-${each}`))
    assert.deepEqual([name, code], ['LodestoreError', 'UNSUPPORTED'])
    assert.match(message!, new RegExp(`--allow-read, --allow-env and --allow-ffi: .*${missing}`))
  })
}
