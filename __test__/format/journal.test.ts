import assert from 'node:assert/strict'
import { cpSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { open } from '../../index.js'
import { temporaryDirectory } from '../support/database'
import { fails } from '../support/errors'
import { contents, writeJournal } from './journal'

const FIXTURE = join(__dirname, '..', '..', 'tests', 'fixtures', 'journal-1')

async function check(path: string, options: object = {}): Promise<void> {
  const db: any = await open(path, { mode: 'open', ...options })
  const expected = contents()
  assert.deepEqual(await db.store('s').getAll(), expected)
  for (let n = 0; n < 10; n++) {
    const found = await db.store('s').index('byN').getAll(n)
    assert.deepEqual(
      found,
      expected.filter((each) => each.n === n),
    )
  }
  assert.deepEqual((await db.verify()).findings, [])
  await db.close()
}

const made: Record<string, (t: TestContext) => Promise<string>> = {
  'of this version': async (t) => {
    const directory = await temporaryDirectory(t)
    const path = join(directory, 'db')
    await writeJournal(open, path, join(directory, 'work'))
    return path
  },
  'of the fixture': async (t) => {
    const path = join(await temporaryDirectory(t), 'db')
    cpSync(FIXTURE, path, { recursive: true })
    return path
  },
}

for (const [which, make] of Object.entries(made)) {
  test(`a journal ${which} is recovered`, async (t) => {
    const path = await make(t)
    await check(path)
    // It was closed, and its journal is of no more use.
    assert.equal(statSync(join(path, 'data.journal')).size, 8_192)
    rmSync(join(path, 'data.journal'))
    await check(path)
  })

  test(`a journal ${which} is recovered by one who only reads`, async (t) => {
    await check(await make(t), { mode: 'readOnly' })
  })

  test(`damage to a journal ${which} is told`, async (t) => {
    const path = await make(t)
    const journal = join(path, 'data.journal')
    const bytes = readFileSync(journal)
    bytes[8_192 + 300]! ^= 1
    writeFileSync(journal, bytes)
    await fails(() => open(path), 'CORRUPT')
    // A record that was never finished is no damage.
    writeFileSync(journal, readFileSync(journal).with(8_192 + 300, bytes[8_192 + 300]! ^ 1))
    truncateSync(journal, bytes.length - 600)
    const db: any = await open(path)
    assert.equal(await db.store('s').get(1_000), undefined)
    assert.equal(await db.store('s').count(), contents().length - 1)
    await db.close()
  })
}
