// Graphs grow, whatever time a disk takes for their files.

import assert from 'node:assert/strict'
import { realpathSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Child } from '../support/child'
import { temporaryDirectory } from '../support/database'
import { ioEnvironment, noPreload, readLog } from '../support/preload'
import { seed } from '../support/random'
import { FIRST } from './kept'

test('a graph grows while its file is put on disk', { skip: noPreload() }, async (t) => {
  const temporary = realpathSync(await temporaryDirectory(t))
  const [directory, log] = [join(temporary, 'watched'), join(temporary, 'log')]
  const env = ioEnvironment({ directory, log })
  const child = new Child(join(__dirname, 'slow-disk.ts'), [], { env })
  t.after(() => child.kill())
  child.say({ path: join(directory, 'db'), seed })
  const told = await child.next<any>()
  await child.kill()
  assert.deepEqual([told.inGraph, told.inFile], [FIRST + 300, 0], told.failure)
  const records = readLog(log)
  const opened = records.find(
    ({ type, payload }) => type === 'open' && payload.toString().endsWith('.graph'),
  )
  assert.ok(opened !== undefined, 'the file is there')
  assert.ok(!records.some(({ type, file }) => type === 'sync' && file === opened.file))
})
