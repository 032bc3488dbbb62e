import assert from 'node:assert/strict'
import { setTimeout } from 'node:timers/promises'
import { test } from 'node:test'
import { open } from '../../index.js'
import { untilCancelled } from '../support/check'
import { documents, temporaryDirectory } from '../support/database'
import { assertCode } from '../support/errors'

test('closing during an index build warns of nothing; it goes on at the next open', async (t) => {
  const warnings: string[] = []
  const warned = ({ message }: Error) => warnings.push(message)
  process.on('warning', warned)
  t.after(() => process.off('warning', warned))

  const path = await temporaryDirectory(t)
  let db = await open(path, { stores: { s: { keyPath: 'id' } } })
  await db.store('s').putMany(documents(30_000))
  const close = async (): Promise<unknown> => {
    const building = db.createIndex('s', 'byName', 'name')
    const ended = Promise.allSettled([building])
    await setTimeout(5)
    await db.close()
    await ended
    return building
  }
  const refused = await untilCancelled(close, async () => {
    db = await open(path, { stores: { s: { keyPath: 'id' } } })
    await db.deleteIndex('s', 'byName')
  })
  assertCode(refused, 'CLOSED')
  for (let i = 0; i < 3; i++) {
    const again = await open(path)
    await setTimeout(3)
    await again.close()
  }
  assert.deepEqual(warnings, [])

  const last = await open(path)
  t.after(() => last.close())
  const byName = last.store('s').index('byName')
  while (byName.state !== 'ready') await setTimeout(5)
  assert.equal(await byName.count(), 30_000)
})
