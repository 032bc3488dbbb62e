'use strict'

/** Kinds of messages from the native library. */
const MESSAGE = Object.freeze({ OK: 0, ERROR: 1, PROGRESS: 2, EVENT: 3 })

const HEADER_BYTES = 12

/**
 * Takes a message of the native library apart: completions of a whole group arrive in one.
 *
 * @param {Buffer} message records of `u32 ticket | u32 kind | u32 length | payload`
 * @param {(ticket: number, kind: number, payload: Buffer) => void} receive
 */
function forEachMessage(message, receive) {
  let at = 0
  while (at < message.length) {
    const ticket = message.readUInt32LE(at)
    const kind = message.readUInt32LE(at + 4)
    const start = at + HEADER_BYTES
    const end = start + message.readUInt32LE(at + 8)
    receive(ticket, kind, message.subarray(start, end))
    at = end
  }
}

module.exports = { MESSAGE, forEachMessage }
