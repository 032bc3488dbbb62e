// Random updates make of documents what mingo makes of them, as far as both mean the same.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect, isDeepStrictEqual } from 'node:util'
import { update as updateObject } from 'mingo'
import { open } from '../../../index.js'
import { Random, seed } from '../../support/random'
import { shrinkValue } from './shrink'
import { tableDocument } from './stages'
import { randomUpdate } from './modifiers'

const ROUNDS = 3000 * Number(process.env.LODESTORE_TIMES ?? 1)

type Update = { update: object; arrayFilters?: object[] }

/** What mingo makes of a document; undefined if it refuses. */
function mingo(document: object, { update, arrayFilters }: Update): object | undefined {
  const copy = structuredClone(document)
  try {
    updateObject(copy as any, update as any, arrayFilters as any, {}, { cloneMode: 'deep' })
    return copy
  } catch {
    return undefined
  }
}

/** What we make of it; undefined if we refuse. */
async function ours(store: any, document: object, given: Update): Promise<object | undefined> {
  await store.put({ id: 0, ...document })
  const { update, arrayFilters } = given
  try {
    await store.find({ id: 0 }).update(update, arrayFilters && { arrayFilters })
  } catch (error: any) {
    assert.equal(error.name, 'LodestoreError')
    return undefined
  }
  const { id: _id, ...rest } = await store.get(0)
  assert.equal(_id, 0)
  return rest
}

test('random updates make the same documents', async (t) => {
  t.diagnostic(`LODESTORE_SEED=${seed}`)
  const db = await open(':memory:', { stores: { docs: { keyPath: 'id' } } })
  const store: any = db.store('docs')
  const random = new Random(seed)
  let compared = 0
  for (let round = 0; round < ROUNDS; round++) {
    const document = tableDocument(random)
    document.list ??= [2, 1, 3]
    // Without repetitions, where mingo adds nothing.
    document.set = [1, 2, 3, 4].slice(random.below(4))
    const given = randomUpdate(random)
    const theirs = mingo(document, given)
    const made = await ours(store, document, given)
    if (theirs === undefined || made === undefined) continue
    compared++
    if (isDeepStrictEqual(made, theirs)) continue
    const small = await shrinkValue({ document, given }, async (candidate) => {
      try {
        const expected = mingo(candidate.document, candidate.given)
        const found = await ours(store, candidate.document, candidate.given)
        return expected !== undefined && found !== undefined && !isDeepStrictEqual(found, expected)
      } catch {
        return false
      }
    })
    const both = {
      ours: await ours(store, small.document, small.given),
      mingo: mingo(small.document, small.given),
    }
    assert.fail(
      `LODESTORE_SEED=${seed}, round ${round}: ${inspect({ ...small, ...both }, { depth: 20 })}`,
    )
  }
  await db.close()
  t.diagnostic(`${compared} of ${ROUNDS} updates`)
  assert.ok(compared > ROUNDS * 0.7)
})
