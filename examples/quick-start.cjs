'use strict'

/** The quick start for CommonJS. */

const { open } = require('lodestore')

async function main() {
  const db = await open('./data/quick-start-cjs', { stores: { notes: { autoIncrement: true } } })
  const notes = db.store('notes')
  await notes.clear()

  const key = await notes.add({ text: 'Buy milk', done: false })
  await notes.put({ text: 'Buy milk', done: true }, key)

  const note = await notes.get(key)
  console.log(`${note.text}: ${note.done ? 'done' : 'to do'}`)
  await db.close()
}

main().catch((error) => {
  console.error(error)
  process.exitCode = 1
})
