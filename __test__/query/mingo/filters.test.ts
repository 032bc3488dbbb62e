// Filters and sorts find what mingo finds, which has MongoDB's meaning, except where
// docs/query-contract.md says otherwise.
//
// LODESTORE_SEED replays a run, LODESTORE_TIMES makes it so many times as long.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { Query } from 'mingo'
import { open } from '../../../index.js'
import { Random, seed } from '../../support/random'
import { isKnownDifference } from './differences'
import { randomDocument, randomFilter, randomSort, sortableDocument } from './generate'
import { shrinkValue } from './shrink'

const ROUNDS = 20 * Number(process.env.LODESTORE_TIMES ?? 1)
const DOCUMENTS = 60
const FILTERS = 200

const INDEXES: readonly [string, any][] = [
  ['byA', { on: 'a' }],
  ['byBC', { on: ['b', '-c'] }],
  ['byNx', { on: 'n.x', sparse: true }],
  ['byItem', { on: 'items', multiEntry: true }],
  ['byItemP', { on: 'items.p' }],
  ['byEachA', { on: 'a', multiEntry: true }],
]

type Document = Record<string, unknown>

/** What mingo says; `undefined` if it cannot be asked. */
function mingo(filter: object, document: object): boolean | undefined {
  try {
    return new Query(filter).test(document as any)
  } catch {
    return undefined
  }
}

/** Whether we and mingo differ, on a document alone. */
async function differs(store: any, filter: object, document: Document): Promise<boolean> {
  await store.put({ ...document, id: -1 })
  try {
    const ours = (await store.find({ $and: [filter, { id: -1 }] }).count()) === 1
    const theirs = mingo(filter, document)
    return theirs !== undefined && ours !== theirs && !isKnownDifference(filter, document)
  } catch {
    return false
  } finally {
    await store.delete(-1)
  }
}

/** A database of random documents with a random set of indexes. */
async function randomStore(random: Random, documents: Document[]) {
  const indexes = INDEXES.filter(() => random.chance(0.4))
  const db = await open(':memory:', {
    stores: { docs: { keyPath: 'id', indexes: Object.fromEntries(indexes) } },
  })
  const store: any = db.store('docs')
  await store.putMany(documents.map((document, id) => ({ ...document, id })))
  return { db, store, indexes: indexes.map(([name]) => name) }
}

test('random filters find the same documents', async (t) => {
  t.diagnostic(`LODESTORE_SEED=${seed}`)
  let [compared, differing] = [0, 0]
  for (let round = 0; round < ROUNDS; round++) {
    const random = new Random(seed + round)
    const documents = random.list(DOCUMENTS, () => randomDocument(random))
    const { db, store, indexes } = await randomStore(random, documents)
    for (let i = 0; i < FILTERS; i++) {
      const filter = randomFilter(random)
      const found = new Set<number>(await store.find(filter).keys())
      for (const [id, document] of documents.entries()) {
        const theirs = mingo(filter, document)
        if (theirs === undefined) continue
        compared++
        if (theirs === found.has(id)) continue
        if (isKnownDifference(filter, document)) {
          differing++
          continue
        }
        const small = { filter, document }
        small.document = await shrinkValue(document, (d) => differs(store, filter, d))
        small.filter = await shrinkValue(filter, (f) => differs(store, f, small.document))
        small.document = await shrinkValue(small.document, (d) => differs(store, small.filter, d))
        assert.fail(
          `LODESTORE_SEED=${seed}, round ${round}, indexes ${indexes}: mingo says ${theirs} for ` +
            inspect({ ...small, original: { filter, document } }, { depth: 20 }),
        )
      }
    }
    await db.close()
  }
  t.diagnostic(`${compared} comparisons, ${differing} known differences`)
  assert.ok(compared > ROUNDS * 5000)
})

test('random sorts give the same order', async (t) => {
  t.diagnostic(`LODESTORE_SEED=${seed}`)
  for (let round = 0; round < ROUNDS; round++) {
    const random = new Random(seed + round)
    const documents = random.list(DOCUMENTS, () => sortableDocument(random))
    const { db, store, indexes } = await randomStore(random, documents)
    const withIds = documents.map((document, id) => ({ ...document, id }))
    for (let i = 0; i < 20; i++) {
      const sort = randomSort(random)
      const ours = await store.find().sort(sort).keys()
      const theirs = new Query({})
        .find<{ id: number }>(withIds)
        .sort(sort)
        .all()
        .map(({ id }) => id)
      assert.deepEqual(ours, theirs, `LODESTORE_SEED=${seed}, ${inspect({ sort, indexes })}`)
    }
    await db.close()
  }
})
