'use strict'

const { appendDelete } = require('./delete')
const { LodestoreError } = require('./errors')
const { copyKey } = require('./key')
const { withStore } = require('./put')
const { ATOMIC_SLICE, Slice } = require('./slice')

/**
 * Deletes many documents.
 *
 * @param {object} target
 * @param {object} target.scope
 * @param {import('./store-state').StoreState} target.state
 * @param {unknown[]} keys
 * @param {(run: (scope: object) => Promise<void>) => Promise<void>} inTransaction for more keys
 *   than a slice holds
 * @returns {Promise<number>} how many there were
 */
async function deleteAll({ scope, state }, keys, inTransaction) {
  const inert = keys.map((key, i) => inertKey(key, i, state))
  let deleted = 0
  let at = 0
  const deleteSlice = (view) => {
    const slice = new Slice(view.current().writes(), false, ATOMIC_SLICE)
    while (at < inert.length && !slice.isFull) appendDelete(slice, state, inert[at++])
    return slice
  }
  const settle = async (slice) => {
    if (slice.length === 0) return
    slice.send()
    await slice.batch.settled
    for (let i = 0; i < slice.length; i++) deleted += slice.batch.result(i)
  }
  const first = deleteSlice(scope)
  if (at === inert.length) {
    await settle(first)
    return deleted
  }
  await inTransaction(async (view) => {
    at = 0
    while (at < inert.length) await settle(deleteSlice(view))
  })
  return deleted
}

/** A key that nobody else can change. */
function inertKey(key, at, state) {
  try {
    return copyKey(key)
  } catch (error) {
    if (error instanceof LodestoreError) error.at = at
    throw withStore(error, state)
  }
}

module.exports = { deleteAll }
