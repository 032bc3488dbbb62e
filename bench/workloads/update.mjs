import { ageOf, documentAt } from '../dataset.mjs'
import { rateOf } from '../lib/measure.mjs'
import { checkDocument } from './check.mjs'

const IN_FLIGHT = 1000
const SINGLE = 20
const SAMPLES = 500

/** Documents by how often 1 was added to their age. */
export class Increments {
  #times = new Map()

  add(id) {
    this.#times.set(id, (this.#times.get(id) ?? 0) + 1)
  }

  async check(db) {
    const touched = [...this.#times]
    const step = Math.max(1, Math.floor(touched.length / SAMPLES))
    for (let i = 0; i < touched.length; i += step) {
      const [id, times] = touched[i]
      checkDocument(db, await db.get(id), { ...documentAt(id), age: ageOf(id) + times })
    }
  }
}

async function updateOneByOne({ db, count, random, seconds }) {
  const increments = new Increments()
  const rate = await rateOf(async () => {
    for (let i = 0; i < SINGLE; i++) {
      const id = random.below(count)
      increments.add(id)
      await (db.updateAlone === undefined ? db.update(id) : db.updateAlone(id))
    }
    return SINGLE
  }, seconds)
  await increments.check(db)
  return rate
}

async function updateAtOnce({ db, count, random, seconds }) {
  const increments = new Increments()
  const rate = await rateOf(async () => {
    const ids = new Set()
    while (ids.size < Math.min(IN_FLIGHT, count)) ids.add(random.below(count))
    for (const id of ids) increments.add(id)
    await Promise.all([...ids].map((id) => db.update(id)))
    return ids.size
  }, seconds)
  await increments.check(db)
  return rate
}

const OWN = 'classic-level reads the document and puts it back, without a transaction'

export const update = {
  name: 'update',
  title: 'increment by key, one after another, fsync',
  unit: 'ops/s',
  needs: ['update', 'get'],
  note: OWN,
  run: updateOneByOne,
}
export const updateConcurrent = {
  ...update,
  name: 'updateConcurrent',
  title: 'increment by key, 1,000 at once, fsync',
  note: `${OWN}; the 1,000 documents are different ones`,
  run: updateAtOnce,
}
