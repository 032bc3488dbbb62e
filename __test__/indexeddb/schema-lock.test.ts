import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { soon } from '../support/check'

const { SchemaLock } = require('../../lib/indexeddb/schema-lock.js')

/** Watches something whose notes are these, and then `error`; gives what was seen and how often. */
function watchUntil(error: Error, notes: string[]) {
  const looks = { count: 0, wishes: [] as any[] }
  const ended = new Promise<void>((resolve) => {
    const readSchemaNote = () => {
      const note = notes[looks.count++]
      if (note !== undefined) return Buffer.from(note)
      resolve()
      throw error
    }
    const lock = new SchemaLock({ readSchemaNote })
    lock.watch((wish: any) => looks.wishes.push(wish))
  })
  return { looks, ended }
}

// Deno runs timers when the end of the thread has closed the database.
test('nobody looks for notes in a database that the end of its thread has closed', async () => {
  const closed = Object.assign(new Error('the database is closed'), { code: 'CLOSED' })
  const wish = { id: 'a', oldVersion: 1, newVersion: 2, time: Date.now() }
  const { looks, ended } = watchUntil(closed, ['', JSON.stringify(wish), JSON.stringify(wish)])
  await soon('the last look', ended)
  await setTimeout(100)
  assert.equal(looks.count, 4)
  assert.deepEqual(looks.wishes, [wish])
})
