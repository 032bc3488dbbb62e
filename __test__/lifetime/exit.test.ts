import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { open } from '../../index.js'
import { runChild } from '../support/child'
import { temporaryDirectory } from '../support/database'

const PROGRAM = join(__dirname, 'exit.ts')

/** Runs a scenario of the program to its end; gives what is in the database then. */
async function run(path: string, scenario: string, nodeArgs: string[] = []): Promise<any> {
  const child = await runChild(PROGRAM, [path, scenario], { nodeArgs })
  assert.equal(child.signal, null, child.stderr)
  assert.equal(child.code, 0, child.stderr)
  assert.equal(child.stderr, '')
  const db = await open(path, { mode: 'open' })
  const documents = await db.store('s').getAll()
  await db.close()
  return { said: child.said, documents }
}

test('a process ends by itself when nothing is pending, with all that is open', async (t) => {
  const { documents } = await run(await temporaryDirectory(t), 'idle')
  assert.deepEqual(documents, ['written'])
})

test('what is pending is written before the process ends', async (t) => {
  const { said, documents } = await run(await temporaryDirectory(t), 'pending')
  assert.equal(documents.length, 500)
  assert.deepEqual(said, [{ acknowledged: 500 }], 'every promise was settled')
})

test('a transaction that is under way ends before the process does', async (t) => {
  const { documents } = await run(await temporaryDirectory(t), 'transaction')
  assert.deepEqual(documents, [1, 2, 3])
})

test('reads that are under way end before the process does', async (t) => {
  const { said } = await run(await temporaryDirectory(t), 'reads')
  assert.deepEqual(said, [{ read: 3000, iterated: 3000 }])
})

test('close that is not awaited writes everything', async (t) => {
  const { documents } = await run(await temporaryDirectory(t), 'close')
  assert.equal(documents.length, 500)
})

test('long work that is under way ends before the process does', async (t) => {
  const path = await temporaryDirectory(t)
  const { said } = await run(path, 'backup')
  assert.deepEqual(said, [{ copied: true }])
  const copy = await open(join(path, 'copy'), { mode: 'open' })
  assert.equal(await copy.store('s').count(), 3000)
  await copy.close()
})

test('a transaction that nobody ends does not keep the process, and leaves nothing', async (t) => {
  const { documents } = await run(await temporaryDirectory(t), 'abandoned')
  assert.deepEqual(documents, ['written'])
})

test('process.exit in the middle of everything ends at once', async (t) => {
  const { documents } = await run(await temporaryDirectory(t), 'exit')
  assert.ok(documents.includes('written'))
})

test('a failure in the middle of everything ends as it does without a database', async (t) => {
  const path = await temporaryDirectory(t)
  const child = await runChild(PROGRAM, [path, 'throw'])
  assert.equal(child.signal, null, child.stderr)
  assert.equal(child.code, 1)
  assert.match(child.stderr, /thrown on purpose/)
  const db = await open(path, { mode: 'open' })
  assert.ok((await db.store('s').getAll()).includes('written'))
  await db.close()
})
