// Graphs that are larger than the memory that they may take.

import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { Database } from '../../index.js'
import { temporaryDirectory } from '../support/database'
import { Random, seed } from '../support/random'
import { graphOf } from './graphs'
import { check, DIMENSIONS, filesAre, graphFiles, isBuilt, openKept } from './kept'
import { put, range, STORES, vectorOf, type Model } from './kept'
import { MAPPED, OWN_KEYS, unlessSealed } from '../support/sealed'

/** More than the links of so many vectors, and less than with the vectors. */
const COUNT = 10_000
const MEMORY = 1_000_000
/** Bytes of a vector in the graph. */
const BYTES = DIMENSIONS * 4

const stores = {
  docs: {
    ...STORES.docs,
    vectors: { near: { ...STORES.docs.vectors.near, precision: 'f32', m: 4, memoryLimit: MEMORY } },
  },
} as const

async function opened(t: TestContext, path: string, options: object = {}) {
  const db: Database = await openKept(path, { stores, ...options })
  t.after(() => db.close())
  const warnings: string[] = []
  db.on('warning', ({ code }: any) => warnings.push(code))
  return { db, docs: db.store('docs') as any, warnings }
}

/** What there is, in a graph that is not in memory as a whole. */
async function filled(t: TestContext) {
  const random = new Random(seed)
  const path = join(await temporaryDirectory(t), 'db')
  const model: Model = new Map()
  const { db, docs, warnings } = await opened(t, path)
  for (let from = 0; from < COUNT; from += 1_000) {
    await put(random, docs, model, range(from, 1_000))
    if (from === 2_000) assert.equal((await isBuilt(random, docs)).mapped, 0)
  }
  const told = await isBuilt(random, docs)
  assert.deepEqual(warnings, [])
  return { random, path, model, db, docs, told }
}

function isBounded({ memory, mapped, inGraph }: any): void {
  assert.ok(memory <= MEMORY, `${memory} bytes of memory`)
  assert.ok(mapped >= (inGraph * BYTES) / 2 && mapped <= inGraph * BYTES, `${mapped} bytes mapped`)
}

const mapped = unlessSealed(MAPPED)

test(`without memory, vectors stay in the file (LODESTORE_SEED=${seed})`, mapped, async (t) => {
  const { random, path, model, db, docs, told } = await filled(t)
  isBounded(told)
  await check(random, docs, model)
  await filesAre(path, 1)
  // Half of it goes, and more comes: the graph is built anew beside the old one.
  const gone = [...model.keys()].filter(() => random.chance(0.6))
  for (const key of gone) model.delete(key)
  await docs.deleteMany(gone)
  await put(random, docs, model, range(100_000, gone.length))
  const next = await graphOf(
    () => docs.nearest('near', vectorOf(random)).explain(),
    ({ notInGraph, inGraph }) => notInGraph === 0 && inGraph! < COUNT * 1.2,
  )
  isBounded(next)
  await check(random, docs, model)
  await db.close()
  // It need not be built anew by the next process, whether that may write or not.
  for (const mode of ['readOnly', 'open']) {
    const again = await opened(t, path, { mode, stores: undefined })
    const read = await isBuilt(random, again.docs)
    assert.ok(read.fromFile! > 0)
    isBounded(read)
    await check(random, again.docs, model)
    assert.deepEqual(again.warnings, [])
    await again.db.close()
  }
})

test('a file that stays where it is is checked as any other', mapped, async (t) => {
  const { random, path, model, db } = await filled(t)
  await db.close()
  // The one before it may still be there.
  for (const file of await graphFiles(path)) {
    const bytes = await readFile(file)
    bytes[random.below(bytes.length)]! ^= 1
    await writeFile(file, bytes)
  }
  const { docs, warnings } = await opened(t, path)
  const told = await isBuilt(random, docs)
  assert.deepEqual(warnings, ['CORRUPT'])
  assert.equal(told.fromFile, 0)
  isBounded(told)
  await check(random, docs, model)
})

test(
  'vectors of an encrypted database do not stay in a file',
  unlessSealed(OWN_KEYS),
  async (t) => {
    const random = new Random(seed)
    const path = join(await temporaryDirectory(t), 'db')
    const { docs } = await opened(t, path, { encryption: { key: Buffer.alloc(32, 7) } })
    await put(random, docs, new Map(), range(0, COUNT))
    const told = await graphOf(
      () => docs.nearest('near', vectorOf(random)).explain(),
      ({ because }) => because?.startsWith('there is no graph') ?? false,
    )
    assert.equal(told.because, 'there is no graph: it would take more memory than memoryLimit')
  },
)
