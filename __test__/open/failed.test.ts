import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { open, repair } from '../../index.js'
import { rejects, temporaryDirectory } from '../support/database'
import { PAGES, unlessSealed } from '../support/sealed'

test('a database whose catalog cannot be read is not left open', unlessSealed(PAGES), async (t) => {
  const directory = await temporaryDirectory(t)
  const path = join(directory, 'db')
  const db = await open(path, { stores: { peculiar: { keyPath: 'id' } } })
  await db.store('peculiar').put({ id: 1 })
  await db.close()
  const file = join(path, 'data.mdb')
  const bytes = readFileSync(file)
  for (let at = bytes.indexOf('peculiar'); at >= 0; at = bytes.indexOf('peculiar', at + 1)) {
    bytes[at] = 0
  }
  writeFileSync(file, bytes)
  for (const mode of ['open', 'readOnly'] as const) await rejects(open(path, { mode }), 'CORRUPT')
  const { ok } = await repair(path, join(directory, 'repaired'))
  assert.equal(ok, false)
})
