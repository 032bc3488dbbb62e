// Shows how long the event loop is held up by work on many documents, and how fast `fs.readFile`
// is during eight backups. Fails if a 99th percentile is 20 ms or more.
//
//   node --import tsx scripts/event-loop.mjs [--docs 100000]

import { createRequire } from 'node:module'
import { parseArgs } from 'node:util'

const require = createRequire(import.meta.url)
const { checkEventLoop } = require('../__test__/event-loop/run.ts')

const { values } = parseArgs({ options: { docs: { type: 'string', default: '100000' } } })
const count = Number(values.docs)

async function main() {
  console.log(`${count} documents`)
  const failed = await checkEventLoop(count, (line) => console.log(line))
  if (failed.length === 0) return
  console.error(`lodestore: the event loop is held up for too long: ${failed.join(', ')}`)
  process.exitCode = 1
}

// Not awaited here: Deno runs it as CommonJS.
void main()
