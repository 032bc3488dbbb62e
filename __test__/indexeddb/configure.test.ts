import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configure, indexedDB } from 'lodestore/indexeddb'
import { throws } from '../support/database'

test('what configure cannot follow is refused', () => {
  const given = (options: unknown) => () => configure(options as Parameters<typeof configure>[0])
  throws(given({ path: ':memory:' }), 'INVALID_ARGUMENT', { path: 'path' })
  throws(given({ path: '' }), 'INVALID_ARGUMENT')
  throws(given({ path: 'data', durability: 'safe' }), 'INVALID_ARGUMENT')
  throws(given({ path: 'data', mode: 'open' }), 'INVALID_ARGUMENT')
})

test('nothing is opened before it was said where databases are', () => {
  delete process.env.LODESTORE_PATH
  assert.throws(() => indexedDB.open('db'), { name: 'InvalidStateError', message: /configure/ })
})
