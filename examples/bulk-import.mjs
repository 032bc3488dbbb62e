/** Importing many documents from a stream, with progress, and an index built afterwards. */

import { open } from 'lodestore'

const DOCUMENTS = 20_000

const db = await open(':memory:', {
  durability: 'relaxed',
  stores: { readings: { keyPath: 'id' } },
})
const readings = db.store('readings')

/** Any iterable will do: an array, a generator, lines of a file, rows of another database. */
async function* source() {
  for (let id = 1; id <= DOCUMENTS; id++) {
    if (id % 5000 === 0) console.log(`read ${id}`)
    yield { id, sensor: `s${id % 7}`, value: Math.sin(id), at: new Date(id * 60_000) }
  }
}

// All or nothing, in one transaction; memory stays bounded, since documents are taken in slices.
const keys = await readings.putMany(source())
console.log(`imported ${keys.length}`)

// Or each for itself: failures are reported, the others are stored.
const { errors } = await readings.putMany([{ id: 1, value: 0 }, { value: 1 }, { id: NaN }], {
  atomic: false,
})
for (const { at, code } of errors) console.log(`document ${at}: ${code}`)

// An index on live data is built in steps, between which others may write.
const steps = []
await db.createIndex('readings', 'bySensorTime', ['sensor', '-at'], {
  onProgress: ({ done, total }) => steps.push(`${done} of ${total}`),
})
console.log(`built: ${steps.at(-1)}`)

const [latest] = await readings.index('bySensorTime').getAll(['s3'], { limit: 1 })
console.log(`latest of s3: ${latest.id}`)
await db.close()
