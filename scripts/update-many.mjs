// Updates many documents in batches, then in one transaction, and shows how long each takes, and
// how much memory beyond what was used before. In one transaction either all of them are changed
// or, with TX_TOO_LARGE, none.
//
//   node scripts/update-many.mjs [--docs 1000000] [--bytes 300]

import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

const { open } = createRequire(import.meta.url)('../index.js')

const options = {
  docs: { type: 'string', default: '1000000' },
  bytes: { type: 'string', default: '300' },
}
const { values } = parseArgs({ options })
const [count, bytes] = [Number(values.docs), Number(values.bytes)]

const BATCH = 10_000
const SAMPLE_MS = 10
/**
 * What one transaction may keep in memory, in MiB: LMDB 512 of changed pages, which then go to the
 * file, the rest the keys of what was found, and what this program needs itself.
 */
const MOST_MIB = 1024

/** Memory of this process that is no file's, in MiB (Linux; elsewhere all of it). */
function memory() {
  if (process.platform !== 'linux') return process.memoryUsage.rss() / 2 ** 20
  const [, kib] = /RssAnon:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))
  return Number(kib) / 1024
}

function* documents() {
  const text = 'x'.repeat(bytes)
  for (let id = 0; id < count; id++) yield { id, n: 0, group: id % 10, text }
}

/** Runs something, and says how long it took and how much memory came on top. */
async function measured(name, run) {
  globalThis.gc?.()
  const before = memory()
  let most = before
  const timer = setInterval(() => {
    most = Math.max(most, memory())
  }, SAMPLE_MS)
  const begun = performance.now()
  const result = await run().catch((error) => error)
  const seconds = (performance.now() - begun) / 1000
  clearInterval(timer)
  const grown = Math.max(most, memory()) - before
  const said = result instanceof Error ? result.code : JSON.stringify(result)
  console.log(`${name}: ${said}, ${seconds.toFixed(1)} s, ${grown.toFixed(0)} MiB more memory`)
  return { result, grown }
}

function fail(why) {
  console.error(`lodestore: ${why}`)
  process.exitCode = 1
}

const directory = await mkdtemp(join(tmpdir(), 'lodestore-update-many-'))
try {
  const db = await open(join(directory, 'database'), {
    durability: 'relaxed',
    stores: { docs: { keyPath: 'id', indexes: { byN: { on: 'n' } } } },
  })
  const store = db.store('docs')
  await store.putMany(documents(), { atomic: false })
  console.log(`${count} documents of ${bytes} bytes`)
  const update = { $inc: { n: 1 } }
  const batches = await measured(`batches of ${BATCH}`, () =>
    store.find().update(update, { batch: BATCH }),
  )
  if (batches.result instanceof Error) throw batches.result
  const inBatches = await store.count({ n: 1 })
  if (inBatches !== count) fail(`${inBatches} documents have changed in batches`)
  const once = await measured('one transaction', () => store.find().update(update))
  const tooLarge = once.result.code === 'TX_TOO_LARGE'
  if (once.result instanceof Error && !tooLarge) throw once.result
  const changed = await store.count({ n: 2 })
  if (changed !== (tooLarge ? 0 : count)) fail(`${changed} documents have changed`)
  if (once.grown > MOST_MIB) fail(`one transaction took more than ${MOST_MIB} MiB`)
  await db.close()
} finally {
  await rm(directory, { recursive: true, force: true, maxRetries: 3 })
}
