/** Cursors: move, skip ahead, change documents on the way. */

import { open } from 'lodestore'

const db = await open(':memory:', {
  stores: { songs: { keyPath: 'id', indexes: { byArtist: { on: 'artist' } } } },
})
const songs = db.store('songs')
await songs.putMany([
  { id: 1, artist: 'Bach', title: 'Air', plays: 10 },
  { id: 2, artist: 'Bach', title: 'Badinerie', plays: 3 },
  { id: 3, artist: 'Handel', title: 'Hornpipe', plays: 7 },
  { id: 4, artist: 'Vivaldi', title: 'Winter', plays: 12 },
])

// In a loop the cursor moves by itself, and is closed at the end.
for await (const cursor of songs.index('byArtist').openCursor({ gte: 'C' })) {
  console.log(cursor.key, cursor.primaryKey, cursor.value.title)
}

// By hand: `seek` jumps, `next` steps, both tell whether there is a row.
const cursor = songs.index('byArtist').openCursor()
console.log('at', (await cursor.seek('D')) && cursor.key)
console.log('then', (await cursor.next()) && cursor.key)
console.log('then', (await cursor.next()) ? cursor.key : 'the end')
await cursor.close()

// One row for each key of the index, backwards, without reading the documents.
const artists = []
const unique = songs
  .index('byArtist')
  .openCursor(undefined, { direction: 'prevunique', values: false })
for await (const { key } of unique) artists.push(key)
console.log('artists:', artists.join(', '))

// Inside a transaction the cursor sees what the transaction writes.
await db.transaction(async (tx) => {
  for await (const row of tx.store('songs').openCursor()) {
    if (row.value.plays < 5) await row.delete()
    else await row.update({ ...row.value, plays: row.value.plays + 1 })
  }
})
console.log('plays:', (await songs.getAll()).map(({ plays }) => plays).join(', '))
await db.close()
