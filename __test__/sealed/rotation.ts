/** Rotations of data keys that are stopped. */

import assert from 'node:assert/strict'

/** Begins a rotation, and stops it before it encrypts anything anew. */
export async function stopRotation(db: any): Promise<void> {
  const controller = new AbortController()
  let stopped: Promise<void> | undefined
  await db.transaction(async () => {
    // The commit that records the new data key waits for the end of this transaction.
    const rotation = db.outside(() => db.rotateKey({ signal: controller.signal }))
    stopped = assert.rejects(rotation, { code: 'ABORTED' })
    controller.abort()
  })
  await stopped
}
