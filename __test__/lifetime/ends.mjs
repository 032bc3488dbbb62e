/** A process that ends while a call is pending. */

import { writeSync } from 'node:fs'
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const { open } = require('../../index.js')
const { callsOf } = require('./calls.js')

const [path, call, way, name, wait] = process.argv.slice(2)

const say = (value) => writeSync(3, `${JSON.stringify(value)}\n`)

/** Lets some microseconds pass, too few for a timer. */
function pass(microseconds) {
  const end = performance.now() + microseconds / 1000
  while (performance.now() < end);
}

const ways = {
  'natural end': () => {},
  'process.exit': () => process.exit(7),
  'uncaught exception': () =>
    setImmediate(() => {
      throw new Error('thrown on purpose')
    }),
  'unhandled rejection': () => void Promise.reject(new Error('rejected on purpose')),
  // The test sends the signal.
  SIGTERM: () => setInterval(() => {}, 1000),
  'close on SIGTERM': (db) => {
    const alive = setInterval(() => {}, 1000)
    process.once('SIGTERM', async () => {
      await db.close()
      clearInterval(alive)
    })
  },
}

const db = await open(path, { durability: 'relaxed' })
const pending = callsOf(open, path, name)[call](db, 0)
pending.then(
  () => say({ settled: 'fulfilled' }),
  ({ code, stack }) => say({ settled: code ?? stack }),
)
pass(Number(wait))
const end = ways[way]
// What runs before the end of the module ends the process before it has read a message.
if (Number(wait) % 2 === 0) await new Promise(setImmediate)
end(db)
say({ begun: true })
