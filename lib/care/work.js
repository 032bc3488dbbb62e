'use strict'

const binding = require('../binding')
const { aborted } = require('../call')
const { decodeInternal } = require('../internal-codec')
const keepAlive = require('../keep-alive')
const { MESSAGE, forEachMessage } = require('../messages')
const { errorOfReport, reportOf } = require('../native-errors')

/** What is under way; a caller may wait for it and hold nothing else. */
const busy = new Set()

/**
 * Work of the native library on databases that are not open.
 *
 * @param {(native: object) => void} begin
 * @param {{ onProgress?: (progress: object) => void, signal?: AbortSignal }} [options]
 * @returns {Promise<Buffer>} the payload of the answer
 * @throws {LodestoreError} what the work fails with; ABORTED if the signal is aborted. What
 *   `onProgress` throws cancels the work and is thrown on.
 */
async function work(begin, { onProgress, signal } = {}) {
  if (signal?.aborted) throw aborted(signal)
  let thrown = null
  let native
  const cancel = () => native.cancel()
  const report = (payload) => {
    if (onProgress === undefined || thrown !== null) return
    try {
      onProgress(decodeInternal(payload))
    } catch (error) {
      thrown = { error }
      cancel()
    }
  }
  const { kind, payload } = await new Promise((resolve, reject) => {
    native = new binding.NativeCare((message) =>
      forEachMessage(message, (_, type, content) => {
        if (type === MESSAGE.PROGRESS) report(content)
        else resolve({ kind: type, payload: content })
      }),
    )
    busy.add(native)
    keepAlive.retain()
    signal?.addEventListener('abort', cancel, { once: true })
    try {
      begin(native)
    } catch (error) {
      reject(error)
    }
  })
    .catch((error) => {
      const known = reportOf(error)
      throw known === undefined ? error : errorOfReport(known)
    })
    .finally(() => {
      signal?.removeEventListener('abort', cancel)
      keepAlive.release()
      busy.delete(native)
    })
  if (thrown !== null) throw thrown.error
  if (kind === MESSAGE.OK) return payload
  const error = errorOfReport(decodeInternal(payload))
  throw signal?.aborted && error.code === 'ABORTED' ? aborted(signal) : error
}

module.exports = { work }
