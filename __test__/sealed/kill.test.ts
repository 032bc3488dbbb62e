import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { LodestoreError, open } from '../../index.js'
import { Child } from '../support/child'
import { temporaryDirectory } from '../support/database'
import { Random, seed } from '../support/random'

const kdf = { memory: 8, iterations: 1, parallelism: 1 }
const rounds = Number(process.env.LODESTORE_ROUNDS ?? 5)

test(`one of two passphrases opens after a kill (LODESTORE_SEED=${seed})`, async (t) => {
  const random = new Random(seed)
  const path = join(await temporaryDirectory(t), 'db')
  const encryption = { passphrase: 'one', kdf }
  const db = await open(path, { encryption, stores: { s: {} } })
  await db.store('s').put('kept', 1)
  await db.close()
  let current = 'one'
  let changes = 0
  for (let round = 0; round < rounds; round++) {
    const next = current === 'one' ? 'two' : 'one'
    const file = join(__dirname, 'changer.ts')
    const child = new Child(file, [path, current, next], { quick: true })
    const [from, to] = await child.next<[string, string]>()
    assert.deepEqual([from, to], [current, next])
    await delay(random.below(60))
    await child.kill()
    const said = await child.rest<[string, string]>()
    changes += said.length
    const [before, after] = said.at(-1) ?? [from, to]
    const opened = []
    for (const passphrase of [before, after]) {
      try {
        const again = await open(path, { encryption: { passphrase } })
        assert.equal(await again.store('s').get(1), 'kept')
        await again.close()
        opened.push(passphrase)
      } catch (error) {
        assert.ok(error instanceof LodestoreError && error.code === 'WRONG_KEY', String(error))
      }
    }
    assert.equal(opened.length, 1, `${opened} of ${before} and ${after}`)
    current = opened[0]!
  }
  t.diagnostic(`${rounds} kills, ${changes} changes of the passphrase`)
})
