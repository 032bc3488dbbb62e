// The files in which graphs of vector indexes are kept.

import assert from 'node:assert/strict'
import { cp, mkdir, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { deflateRawSync } from 'node:zlib'
import { decrypt, encrypt, files, restore, type Database } from '../../index.js'
import { Child } from '../support/child'
import { temporaryDirectory } from '../support/database'
import { Random, seed } from '../support/random'
import { OWN_KEYS, unlessSealed } from '../support/sealed'
import { graphOf } from './graphs'
import { change, check, filesAre, FIRST, graphFiles, isBuilt, isKept } from './kept'
import { openKept, put, range, vectorOf, type Model } from './kept'

const encryption = { key: Buffer.alloc(32, 7) }

/** A database, closed, whose graph is kept in a file. */
async function kept(t: TestContext, options: object = {}) {
  const random = new Random(seed)
  const path = join(await temporaryDirectory(t), 'db')
  const model: Model = new Map()
  const db = await openKept(path, options)
  const docs = db.store('docs')
  await put(random, docs, model, range(0, FIRST))
  await isKept(random, docs, FIRST)
  await db.close()
  return { random, path, model }
}

/** Opens a database, and collects what it warns of. */
async function opened(t: TestContext, path: string, options: object = {}) {
  const db: Database = await openKept(path, options)
  t.after(() => db.close())
  const warnings: { code: string; message: string }[] = []
  db.on('warning', ({ code, message }: any) => warnings.push({ code, message }))
  return { db, docs: db.store('docs') as any, warnings }
}

test(`a graph is read from its file, and added to (LODESTORE_SEED=${seed})`, async (t) => {
  const { random, path, model } = await kept(t)
  const first = await opened(t, path)
  // Changes that no graph knows of, since nobody searches.
  await change(random, first.docs, model)
  await first.db.close()
  const { docs, db, warnings } = await opened(t, path)
  const told = await isBuilt(random, docs)
  assert.equal(told.fromFile, FIRST)
  assert.equal(told.inGraph, FIRST + 80)
  await check(random, docs, model)
  // Graphs that have grown are kept anew, in a file that replaces the other one.
  const before = await filesAre(path, 1)
  await put(random, docs, model, range(FIRST, 600))
  const again = await isKept(random, docs, FIRST + 600)
  assert.equal(again.fromFile, FIRST)
  assert.notDeepEqual(await filesAre(path, 1), before)
  await check(random, docs, model)
  await db.close()
  const last = await opened(t, path, { mode: 'readOnly' })
  assert.equal((await isBuilt(random, last.docs)).fromFile, again.inFile)
  await check(random, last.docs, model)
  assert.deepEqual([...warnings, ...last.warnings], [])
})

test('snapshots and transactions find what they see by a graph that was read', async (t) => {
  const { random, path, model } = await kept(t)
  const { docs, db } = await opened(t, path)
  const [old, before] = [await db.snapshot(), new Map(model)]
  await change(random, docs, model)
  // The graph is read, and counts, in a state that is newer than the first snapshot.
  assert.equal((await isBuilt(random, docs)).fromFile, FIRST)
  const [young, after] = [await db.snapshot(), new Map(model)]
  const told = await (old.store('docs') as any).nearest('near', vectorOf(random)).explain()
  assert.equal(told.nearest.method, 'exact')
  await change(random, docs, model)
  await isBuilt(random, docs)
  await check(random, old.store('docs'), before)
  await check(random, young.store('docs'), after)
  await check(random, docs, model)
  old.close()
  young.close()
  const tx: any = await db.begin()
  const own = new Map(model)
  await change(random, tx.store('docs'), own)
  await check(random, tx.store('docs'), own)
  await tx.rollback()
  await check(random, docs, model)
})

test('a graph without what was deleted takes the place of the one in the file', async (t) => {
  const { random, path, model } = await kept(t)
  const { docs, db } = await opened(t, path)
  await put(random, docs, model, range(FIRST, 300))
  await isKept(random, docs, FIRST + 300)
  const gone = range(0, 700)
  for (const key of gone) model.delete(key)
  await docs.deleteMany(gone)
  const explain = () => docs.nearest('near', vectorOf(random)).explain()
  await graphOf(explain, ({ inFile }) => inFile === FIRST - 400)
  await db.close()
  const again = await opened(t, path)
  assert.equal((await isBuilt(random, again.docs)).fromFile, FIRST - 400)
  await check(random, again.docs, model)
})

const DAMAGES: Record<string, (file: string, path: string) => Promise<unknown>> = {
  'a file with another byte': async (file) => {
    const bytes = await readFile(file)
    const at = new Random(seed).below(bytes.length)
    bytes[at]! ^= 1
    await writeFile(file, bytes)
  },
  'a file that ends too early': async (file) => truncate(file, (await stat(file)).size - 1),
  'a file with more at its end': (file) => writeFile(file, '\0', { flag: 'a' }),
  'an empty file': (file) => truncate(file, 0),
  'no file': (file) => rm(file),
  'no directory': (_, path) => rm(join(path, 'vectors'), { recursive: true }),
  'a directory in its place': async (file) => {
    await rm(file)
    await mkdir(file)
  },
}

for (const [what, damage] of Object.entries(DAMAGES)) {
  for (const options of [{}, { encryption }]) {
    const how = 'encryption' in options ? ', encrypted' : ''
    test(`${what}${how}: the graph is built anew, with a warning`, async (t) => {
      const { random, path, model } = await kept(t, options)
      const [file] = await filesAre(path, 1)
      await damage(file!, path)
      const { docs, db, warnings } = await opened(t, path, options)
      await check(random, docs, model)
      const told = await isKept(random, docs, FIRST)
      assert.equal(told.fromFile, 0)
      assert.deepEqual(
        warnings.map(({ message }) => message.replace(/anew: .*/, 'anew')),
        [
          'the file with the graph of vector index "near" of store "docs" is of no use, and the ' +
            'graph is built anew',
        ],
      )
      assert.ok(['CORRUPT', 'IO'].includes(warnings[0]!.code), warnings[0]!.code)
      await check(random, docs, model)
      await db.close()
      const again = await opened(t, path, options)
      assert.equal((await isBuilt(random, again.docs)).fromFile, FIRST)
      assert.deepEqual(again.warnings, [])
    })
  }
}

test('the file of another database, or of another time, is not taken', async (t) => {
  const { random, path, model } = await kept(t)
  const old = `${path}-old`
  await cp(path, old, { recursive: true })
  const oldModel = new Map(model)
  const grown = await opened(t, path)
  await put(random, grown.docs, model, range(0, 700))
  await isKept(random, grown.docs, FIRST + 700)
  // A close may come before the last file is removed: the next open does it then.
  const [newer] = await filesAre(path, 1)
  await grown.db.close()
  const [older] = await filesAre(old, 1)

  // A database that is older than the file beside it, and one that is newer.
  const pairs = [
    { data: old, file: newer!, expected: oldModel, name: 'newer' },
    { data: path, file: older!, expected: model, name: 'older' },
  ]
  for (const { data, file, expected, name } of pairs) {
    const mixed = `${path}-${name}`
    await cp(data, mixed, { recursive: true })
    const [own] = await filesAre(mixed, 1)
    // Under its own name it does not count; under the name of the right one it is seen through.
    for (const isRenamed of [false, true]) {
      await rm(own!)
      await cp(file, isRenamed ? own! : join(mixed, 'vectors', file.split(/[\\/]/).at(-1)!))
      const { docs, db, warnings } = await opened(t, mixed, { mode: 'readOnly' })
      const told = await isBuilt(random, docs)
      assert.equal(told.fromFile, 0)
      assert.equal(warnings.length, 1)
      await check(random, docs, expected)
      await db.close()
      if (!isRenamed) await cp(file, own!)
    }
  }
})

test('a backup has no graphs; a restored database builds them', async (t) => {
  const { random, path, model } = await kept(t)
  const { docs, db } = await opened(t, path)
  const saved = `${path}-backup`
  await db.backup(saved)
  assert.deepEqual(await graphFiles(saved), [])
  const before = new Map(model)
  await put(random, docs, model, range(0, 700))
  await isKept(random, docs, FIRST + 700)
  await db.close()
  await restore(saved, path)
  assert.deepEqual(await graphFiles(path), [])
  const again = await opened(t, path)
  assert.equal((await isKept(random, again.docs, FIRST)).fromFile, 0)
  assert.equal(again.warnings.length, 1)
  await check(random, again.docs, before)
  await again.db.close()
  // In the same way where it was restored to a new place.
  const elsewhere = `${path}-elsewhere`
  await restore(saved, elsewhere)
  const other = await opened(t, elsewhere)
  assert.equal((await isBuilt(random, other.docs)).fromFile, 0)
  await check(random, other.docs, before)
})

test('a compacted database keeps its graphs, and a copy of all files as well', async (t) => {
  const { random, path, model } = await kept(t)
  const { docs, db, warnings } = await opened(t, path)
  await change(random, docs, model)
  await db.compact()
  assert.equal((await isBuilt(random, docs)).fromFile, FIRST)
  await check(random, docs, model)
  await db.close()
  const copy = `${path}-copy`
  await rename(path, copy)
  const moved = await opened(t, copy)
  assert.equal((await isBuilt(random, moved.docs)).fromFile, FIRST)
  await check(random, moved.docs, model)
  assert.deepEqual([...warnings, ...moved.warnings], [])
})

test('files are told, and removed with their index, store, and database', async (t) => {
  const { random, path } = await kept(t)
  const roles = async () => {
    const all = (await files(path)).filter((file) => file.path.includes('vectors'))
    return all.map(({ role }) => role).toSorted()
  }
  assert.deepEqual(await roles(), ['graph', 'lock'])
  const { db, docs } = await opened(t, path)
  await db.deleteIndex('docs', 'near')
  await filesAre(path, 0)
  assert.deepEqual(await roles(), ['lock'])
  await db.createVectorIndex('docs', 'near', 'vector', { dimensions: 16, metric: 'l2' })
  await isKept(random, docs, FIRST)
  await docs.clear()
  await filesAre(path, 0)
  await put(random, docs, new Map(), range(0, FIRST))
  await isKept(random, docs, FIRST)
  await db.deleteObjectStore('docs')
  await filesAre(path, 0)
  assert.deepEqual((await db.verify({ level: 'full' })).findings, [])
})

test('what a process that was killed has left is removed at the next open', async (t) => {
  const { path } = await kept(t)
  const [own] = await filesAre(path, 1)
  await writeFile(join(path, 'vectors', `${'0'.repeat(32)}.graph`), 'half of a graph')
  const { db } = await opened(t, path)
  assert.deepEqual(await graphFiles(path), [own])
  await db.close()
})

/** Graphs of documents that are much alike can be compressed, unless they are sealed. */
const isCompressible = (bytes: Buffer) => deflateRawSync(bytes).length < bytes.length * 0.95

const own = unlessSealed(OWN_KEYS)
test(
  'in an encrypted database no vector is in clear, whatever is done to its keys',
  own,
  async (t) => {
    const { random, path, model } = await kept(t)
    const [clear] = await filesAre(path, 1)
    assert.ok(isCompressible(await readFile(clear!)))
    await encrypt(path, { encryption })
    assert.deepEqual(await graphFiles(path), [])
    const first = await opened(t, path, { encryption })
    assert.equal((await isKept(random, first.docs, FIRST)).fromFile, 0)
    const [sealed] = await filesAre(path, 1)
    assert.ok(!isCompressible(await readFile(sealed!)))
    await first.db.close()

    const second = await opened(t, path, { encryption })
    assert.equal((await isBuilt(random, second.docs)).fromFile, FIRST)
    await check(random, second.docs, model)
    await second.db.rotateKey()
    assert.ok(!(await graphFiles(path)).includes(sealed!), 'sealed with a key that may be known')
    const [anew] = await filesAre(path, 1)
    await check(random, second.docs, model)
    await isKept(random, second.docs, FIRST)
    await second.db.close()

    const third = await opened(t, path, { encryption })
    assert.equal((await isBuilt(random, third.docs)).fromFile, FIRST)
    assert.deepEqual(await graphFiles(path), [anew])
    await third.db.close()
    await decrypt(path, { encryption })
    assert.deepEqual(await graphFiles(path), [])
    const last = await opened(t, path)
    await isKept(random, last.docs, FIRST)
    await check(random, last.docs, model)
    for (const { warnings } of [first, second, third, last]) assert.deepEqual(warnings, [])
  },
)

test('what one process keeps another one reads', async (t) => {
  const { random, path } = await kept(t)
  const { docs, db, warnings } = await opened(t, path)
  assert.equal((await isBuilt(random, docs)).fromFile, FIRST)
  const other = new Child(join(__dirname, 'graph-reader.ts'))
  other.say({ path, seed })
  const told = await other.next<any>()
  assert.equal(told.fromFile, FIRST, told.failure)
  // Both have graphs that are due to be kept: one of them writes, once.
  const added = 400
  other.say({ from: FIRST, count: added, kept: FIRST + added })
  const there = await other.next<any>()
  const here = await isKept(random, docs, FIRST + added)
  assert.deepEqual([there.inFile, here.inFile], [FIRST + added, FIRST + added], there.failure)
  const model: Model = new Map()
  for (const document of await docs.getAll()) model.set(document.id, document)
  assert.equal(model.size, FIRST + added)
  await check(random, docs, model)
  await other.ended
  await db.close()
  const again = await opened(t, path)
  assert.equal((await graphFiles(path)).length, 1)
  assert.equal((await isBuilt(random, again.docs)).fromFile, FIRST + added)
  assert.deepEqual([...warnings, ...again.warnings], [])
})
