import assert from 'node:assert/strict'
import { test } from 'node:test'
import { open } from '../../index.js'
import { rejects, temporaryDirectory } from '../support/database'

test('a space is a database of its own', async (t) => {
  const path = await temporaryDirectory(t)
  const root = await open(path, { stores: { users: {} } })
  const one = await open(path, { space: 'one', stores: { users: {} } })
  const two = await open(path, { space: 'zwei \u{1f600}' })
  t.after(() => Promise.all([root.close(), one.close(), two.close()]))
  assert.deepEqual([root.space, one.space], [undefined, 'one'])
  await root.store('users').put('root', 1)
  await one.store('users').put('one', 1)
  assert.equal(await root.store('users').get(1), 'root')
  assert.equal(await one.store('users').get(1), 'one')
  assert.deepEqual(two.storeNames, [])
  assert.deepEqual((await root.spaces()).toSorted(), ['one', 'zwei \u{1f600}'])
})

test('modes are about the space', async (t) => {
  const path = await temporaryDirectory(t)
  const root = await open(path)
  t.after(() => root.close())
  await rejects(open(path, { space: 'none', mode: 'open' }), 'DATABASE_NOT_FOUND')
  const created = await open(path, { space: 'new', mode: 'create' })
  await created.close()
  await rejects(open(path, { space: 'new', mode: 'create' }), 'DATABASE_EXISTS')
  const again = await open(path, { space: 'new', mode: 'open' })
  await again.close()
})

test('a space is deleted with what is in it, but not while it is open', async (t) => {
  const path = await temporaryDirectory(t)
  const root = await open(path)
  t.after(() => root.close())
  const space = await open(path, { space: 'x', stores: { users: {} } })
  await space.store('users').put('value', 1)
  const busy = await rejects(root.deleteSpace('x'), 'BUSY')
  assert.equal(busy.retryable, true)
  await space.close()
  await root.deleteSpace('x')
  assert.deepEqual(await root.spaces(), [])
  await rejects(root.deleteSpace('x'), 'DATABASE_NOT_FOUND')
  const again = await open(path, { space: 'x' })
  t.after(() => again.close())
  assert.deepEqual(again.storeNames, [])
})
