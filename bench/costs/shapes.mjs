import { documentAt } from '../dataset.mjs'
import { check } from '../lib/measure.mjs'
import { filled, open, READS, readsOf } from './database.mjs'

const BATCH = 500

/**
 * A store whose documents carry their field names: shapes are registered when the transaction that
 * writes all of them has ended.
 */
async function filledWithoutShapes(path, count) {
  const db = await open(path, { durability: 'none', stores: { docs: { keyPath: 'id' } } })
  const docs = db.store('docs')
  const fill = async () => {
    for (let from = 0; from < count; from += BATCH) {
      const puts = []
      for (let i = from; i < Math.min(from + BATCH, count); i++) puts.push(docs.put(documentAt(i)))
      await Promise.all(puts)
    }
  }
  await db.transaction(fill, { timeout: 0, idleTimeout: 0 })
  return { db, docs }
}

const usedBytes = ({ pages, freePages, pageSize }) => (pages - freePages) * pageSize

/** Field names that are stored once, beside names in each document: reading, and bytes. */
export async function shapeCost(path, count, compare) {
  const shaped = await filled(`${path}-shared`, count)
  const inline = await filledWithoutShapes(`${path}-inline`, count)
  const shapedSize = usedBytes(await shaped.db.stats())
  const inlineSize = usedBytes(await inline.db.stats())
  check(inlineSize > shapedSize, 'documents without shapes take no more room: shapes were used')
  const reads = readsOf(count)
  const a = reads.sync((id) => shaped.docs.getSync(id))
  const b = reads.sync((id) => inline.docs.getSync(id))
  await compare('field names in each document', 'getSync, shapes', 'getSync, names', {
    a,
    b,
    size: READS,
  })
  const each = (bytes) => Math.round(bytes / count)
  console.log(`bytes a document: ${each(shapedSize)} with shapes, ${each(inlineSize)} with names`)
  await shaped.db.close()
  await inline.db.close()
}
