/** Opens a database truncated to many lengths, and says for each what came of it. */

import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { LodestoreError, open } from '../../index.js'
import { say } from '../support/parent'
import { Random, seed } from '../support/random'

const LENGTHS = 150

async function main(directory: string): Promise<void> {
  const origin = join(directory, 'origin')
  const stores = { s: { keyPath: 'id', indexes: { byText: { on: 'text' } } } }
  const db = await open(origin, { stores })
  const documents = Array.from({ length: 800 }, (_, id) => ({
    id,
    text: `${id} `.repeat(1 + (id % 90)),
  }))
  await db.store('s').putMany(documents)
  await db.store('s').put({ id: -1, text: 'x'.repeat(30_000) })
  await db.store('s').delete(-1)
  await db.close()
  const bytes = readFileSync(join(origin, 'data.mdb'))

  const random = new Random(seed)
  const edges = [1, 100, 4095, 4096, 4097, 8191, 8192, 8193, bytes.length - 1, bytes.length]
  const within = random.list(LENGTHS, () => random.between(1, bytes.length - 1))
  for (const length of [...edges, ...within]) {
    say({ length, outcome: await openTruncated(directory, bytes.subarray(0, length), documents) })
  }
  // Space behind the last page in use is no harm.
  const longer = Buffer.concat([bytes, Buffer.alloc(5000)])
  say({ length: 'longer', outcome: await openTruncated(directory, longer, documents) })
}

async function openTruncated(directory: string, bytes: Buffer, documents: any[]): Promise<string> {
  const path = join(directory, 'truncated')
  mkdirSync(path)
  writeFileSync(join(path, 'data.mdb'), bytes)
  try {
    const db = await open(path)
    const store = db.store('s')
    assert.deepEqual(await store.getAll(), documents)
    assert.equal((await store.index('byText').getAllKeys()).length, documents.length)
    // Whoever writes uses the pages behind the end.
    await store.putMany(documents)
    assert.equal(await store.count(), documents.length)
    await db.close()
    return 'whole'
  } catch (error) {
    if (!(error instanceof LodestoreError)) throw error
    assert.deepEqual(readFileSync(join(path, 'data.mdb')), bytes, 'the file was changed')
    return error.code
  } finally {
    rmSync(path, { recursive: true })
  }
}

main(process.argv[2]!)
  .then(() => say({ done: true }))
  .catch((error) => {
    say({ failure: `LODESTORE_SEED=${seed}: ${error?.stack ?? error}` })
    process.exitCode = 1
  })
