'use strict'

const POOL_BYTES = 16 * 256

/** Loaded with the first identifier: it takes some milliseconds. */
let crypto

const pool = Buffer.allocUnsafeSlow(POOL_BYTES)
let poolPosition = POOL_BYTES
let lastMilliseconds = 0
let sequence = 0

/**
 * A new UUID of version 7 (RFC 9562, section 5.7; 12-bit counter in `rand_a`, section 6.2 method
 * 1), as 36 lower-case characters. Each is greater than all that this thread made before, so that
 * documents stored under them are appended.
 *
 * @returns {string}
 */
function uuidv7() {
  if (poolPosition === POOL_BYTES) {
    crypto ??= require('node:crypto')
    crypto.randomFillSync(pool)
    poolPosition = 0
  }
  const at = poolPosition
  poolPosition += 16
  const now = Date.now()
  if (now > lastMilliseconds) {
    lastMilliseconds = now
    sequence = pool.readUInt16BE(at + 6) & 0x7ff
  } else if (++sequence > 0xfff) {
    sequence = 0
    lastMilliseconds++
  }
  pool.writeUIntBE(lastMilliseconds, at, 6)
  pool.writeUInt16BE(0x7000 | sequence, at + 6)
  pool[at + 8] = 0x80 | (pool[at + 8] & 0x3f)
  const hex = pool.hexSlice(at, at + 16)
  return (
    hex.slice(0, 8) +
    '-' +
    hex.slice(8, 12) +
    '-' +
    hex.slice(12, 16) +
    '-' +
    hex.slice(16, 20) +
    '-' +
    hex.slice(20)
  )
}

module.exports = { uuidv7 }
