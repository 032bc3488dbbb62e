import assert from 'node:assert/strict'
import { AsyncLocalStorage, createHook } from 'node:async_hooks'
import { join } from 'node:path'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { open } from '../../index.js'
import { temporaryDirectory } from '../support/database'

const { Connection } = require('../../lib/connection')
const { encodeInternal } = require('../../lib/internal-codec')
const { MESSAGE } = require('../../lib/messages')

test('progress is told in the context of the call, not of who writes meanwhile', async (t) => {
  const path = await temporaryDirectory(t)
  const db = (await open(path, { stores: { s: { keyPath: 'id' } } })) as any
  t.after(() => db.close())
  const s = db.store('s')
  await s.putMany(Array.from({ length: 60_000 }, (_, id) => ({ id, text: 'x'.repeat(200) })))
  const context = new AsyncLocalStorage<string>()
  const seen = new Set<string | undefined>()
  const copied = new AbortController()
  const copying = context.run('copy', () =>
    db.backup(join(path, 'copy'), { onProgress: () => seen.add(context.getStore()) }),
  )
  const writing = context.run('write', async () => {
    for (let id = 0; !copied.signal.aborted; id++) await s.put({ id, text: 'y' })
  })
  await copying.finally(() => copied.abort())
  await writing
  assert.deepEqual([...seen], ['copy'])
})

test('events are told in the context in which the database was opened', async () => {
  const context = new AsyncLocalStorage<string>()
  const connection = context.run('open', () => new Connection({ path: 'none' }))
  const seen: (string | undefined)[] = []
  connection.onEvent = () => seen.push(context.getStore())
  const payload = encodeInternal({ type: 'warning' })
  const message = Buffer.alloc(12 + payload.length)
  message.writeUInt32LE(MESSAGE.EVENT, 4)
  message.writeUInt32LE(payload.length, 8)
  message.set(payload, 12)
  context.run('write', () => connection.receive(message))
  // After a turn of the event loop that took long, messages wait for the next one.
  await setImmediate()
  assert.deepEqual(seen, ['open'])
})

test('who watches asynchronous resources is told that one ends with its database', async (t) => {
  const path = await temporaryDirectory(t)
  const alive = new Set<number>()
  const hook = createHook({
    init: (id, type) => type === 'LODESTORE_EVENT' && alive.add(id),
    destroy: (id) => alive.delete(id),
  }).enable()
  t.after(() => hook.disable())
  const db = await open(path)
  assert.equal(alive.size, 1)
  await db.close()
  // Hooks are told at the next turn of the event loop.
  await setImmediate()
  assert.equal(alive.size, 0)
})
