// Long keys are in buckets of parts, which are found by bisection: it has to end even if the parts
// are out of order.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { open } from '../../index.js'
import { soon } from '../support/check'
import { temporaryDirectory } from '../support/database'
import { assertCode } from '../support/errors'
import { DataFile } from '../support/pages'
import { Random, seed } from '../support/random'
import { PAGES, unlessSealed } from '../support/sealed'

const COUNT = 400
const ROUNDS = 150
/** The length of an LMDB key that is a part of a bucket; its last bytes are the part's ordinal. */
const PART_KEY = 1_909
const ORDINAL = 8

const keyOf = (i: number): string => `${'long '.repeat(400)}${String(i).padStart(6, '0')}`

test(`lookups of long keys end (LODESTORE_SEED=${seed})`, unlessSealed(PAGES), async (t) => {
  const path = join(await temporaryDirectory(t), 'db')
  const before = (await open(path, { stores: { s: {} }, durability: 'relaxed' })) as any
  const keys = Array.from({ length: COUNT }, (_, i) => keyOf(i))
  // In two orders, so that parts are split.
  for (const i of [...keys.keys()].toSorted((a, b) => (a % 7) - (b % 7))) {
    await before.store('s').put('x'.repeat(3_000), keys[i])
  }
  await before.close()
  const file = new DataFile(path)
  const sound = Buffer.from(file.bytes)
  const parts = file
    .tree('docs')
    .flatMap((page) => (page.isLeaf ? page.nodes : []))
    .filter(({ key }) => key.length === PART_KEY)
    .map(({ at }) => at + 8 + PART_KEY - ORDINAL)
  assert.ok(parts.length > 20, `${parts.length} parts`)
  const random = new Random(seed)
  const ordinalOf = (at: number): Buffer => Buffer.from(sound.subarray(at, at + ORDINAL))
  let damaged = 0
  for (let round = 0; round < ROUNDS; round++) {
    sound.copy(file.bytes)
    for (let i = random.between(1, 6); i > 0; i--) {
      ordinalOf(random.pick(parts)).copy(file.bytes, random.pick(parts))
    }
    file.save()
    const db = (await open(path, { mode: 'readOnly' })) as any
    for (let from = 0; from < COUNT; from += 200) {
      // So many that another thread looks them up.
      const some = keys.slice(from, from + 200)
      const found = soon(`round ${round}`, db.store('s').getMany(some))
      const error = await found.then(
        () => null,
        (failure: unknown) => failure,
      )
      if (error === null) continue
      assertCode(error, 'CORRUPT')
      damaged++
    }
    await db.close()
  }
  t.diagnostic(`${damaged} of ${2 * ROUNDS} lookups were CORRUPT`)
})
