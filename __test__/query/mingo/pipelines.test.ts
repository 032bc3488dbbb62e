// Random pipelines give what mingo gives, as far as both mean the same.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { aggregate } from 'mingo'
import { open } from '../../../index.js'
import { Random, seed } from '../../support/random'
import { shrinkValue } from './shrink'
import { randomPipeline, tableDocument } from './stages'

const ROUNDS = 10 * Number(process.env.LODESTORE_TIMES ?? 1)
const DOCUMENTS = 40
const PIPELINES = 60

/** Rows without an order, −0 as 0, and sums as exact as doubles are. */
function normal(rows: unknown[], ordered: boolean): string[] {
  const texts = rows.map((row) =>
    JSON.stringify(row, (_, value) => {
      if (typeof value === 'number') return Number(value.toPrecision(9)) + 0
      if (value === null || typeof value !== 'object' || Array.isArray(value)) return value
      return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
    }),
  )
  return ordered ? texts : texts.toSorted()
}

/** Whether the order of the rows is said. */
const isOrdered = (pipeline: object[]): boolean =>
  pipeline.some((stage) => '$sort' in stage) &&
  !pipeline.some((stage) => '$group' in stage || '$sortByCount' in stage || '$distinct' in stage)

/** What mingo gives, without the rows of nothing that `$count` and `$bucket` have there only. */
function mingo(documents: object[], pipeline: object[]): object[] | undefined {
  try {
    const rows: any[] = aggregate(structuredClone(documents), pipeline as any)
    return rows.filter(({ count, rows: counted }) => count !== 0 && counted !== 0)
  } catch {
    return undefined
  }
}

async function outcomes(store: any, documents: object[], pipeline: object[]) {
  const ordered = isOrdered(pipeline)
  const found = mingo(documents, pipeline)
  if (found === undefined) return undefined
  return { ours: normal(await store.aggregate(pipeline), ordered), theirs: normal(found, ordered) }
}

test('random pipelines give the same rows', async (t) => {
  t.diagnostic(`LODESTORE_SEED=${seed}`)
  const db = await open(':memory:', {
    stores: { docs: { keyPath: '_id', indexes: { byA: { on: 'a' } } } },
  })
  const store: any = db.store('docs')
  let compared = 0
  for (let round = 0; round < ROUNDS; round++) {
    const random = new Random(seed + round)
    const documents = random.list(DOCUMENTS, () => tableDocument(random))
    const put = async (all: object[]): Promise<object[]> => {
      const withIds = all.map((document, _id) => ({ _id, ...document }))
      await store.clear()
      await store.putMany(withIds)
      return withIds
    }
    const stored = await put(documents)
    for (let i = 0; i < PIPELINES; i++) {
      const pipeline = randomPipeline(random)
      const given = await outcomes(store, stored, pipeline)
      if (given === undefined) continue
      compared++
      if (given.ours.join() === given.theirs.join()) continue
      const differs = async (candidate: { documents: object[]; pipeline: object[] }) => {
        try {
          const all = await put(candidate.documents)
          const found = await outcomes(store, all, candidate.pipeline)
          return found !== undefined && found.ours.join() !== found.theirs.join()
        } catch {
          return false
        }
      }
      const small = await shrinkValue({ documents, pipeline }, differs)
      const both = await outcomes(store, await put(small.documents), small.pipeline)
      assert.fail(
        `LODESTORE_SEED=${seed}, round ${round}: ` +
          inspect({ ...small, ...both, original: pipeline }, { depth: 20 }),
      )
    }
  }
  await db.close()
  t.diagnostic(`${compared} pipelines`)
  assert.ok(compared > ROUNDS * PIPELINES * 0.8)
})
