import assert from 'node:assert/strict'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { test } from 'node:test'
import { open } from '../../index.js'
import { Child } from '../support/child'
import { temporaryDirectory } from '../support/database'
import { Random, seed } from '../support/random'
import { COUNT, OPTIONS } from './importer'

const KILLS = 8

test(`an import that is killed goes on and doubles nothing (LODESTORE_SEED=${seed})`, async (t) => {
  const random = new Random(seed)
  const path = join(await temporaryDirectory(t), 'db')
  let killed = 0
  for (let run = 0; run < KILLS; run++) {
    const child = new Child(join(__dirname, 'importer.ts'), [path], { quick: true })
    // It says when it begins.
    await child.next()
    await setTimeout(random.below(150))
    child.process.kill('SIGKILL')
    const { signal } = await child.ended
    if (signal === 'SIGKILL') killed++
  }
  assert.ok(killed > 0)
  const child = new Child(join(__dirname, 'importer.ts'), [path], { quick: true })
  assert.equal((await child.ended).code, 0)
  const db: any = await open(path)
  const { imported, isComplete } = await db.store('marks').get(OPTIONS.checkpoint.key)
  assert.deepEqual([imported, isComplete], [COUNT, true])
  const numbers = (await db.store('log').getAll()).map(({ i }: any) => i)
  assert.deepEqual(
    numbers,
    Array.from({ length: COUNT }, (_, i) => i),
  )
  await db.close()
})
