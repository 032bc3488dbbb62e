// What `repair` saves of databases with damage of one kind. Random damage is the drill's
// (../damage).

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { cp, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { open, repair } from '../../index.js'
import type { RepairReport } from '../../index.js'
import { encryptionOf } from '../format/contents'
import { temporaryDirectory } from '../support/database'
import { fails } from '../support/errors'
import { DataFile, type Page } from '../support/pages'
import { PAGES, unlessSealed } from '../support/sealed'

const STORES = {
  people: {
    keyPath: 'id',
    autoIncrement: true,
    indexes: {
      byName: { on: 'name', unique: true },
      active: { on: 'id', where: { group: 1 } },
      byWord: { on: 'name', collation: { locale: 'en' } },
    },
  },
  blobs: { compression: 'zstd' },
} as const

const COUNT = 2_000

const personOf = (id: number): any => ({ id, name: `name ${id}`, group: id % 3, at: new Date(id) })

async function fill(path: string): Promise<void> {
  const db = (await open(path, { stores: STORES, durability: 'relaxed' })) as any
  await db.store('people').putMany(Array.from({ length: COUNT }, (_, i) => personOf(i + 1)))
  await db.store('blobs').put('blob '.repeat(50_000), 'large')
  await db.store('blobs').put(new Map([[1, 'x']]), 'k'.repeat(5_000))
  // What only the newest meta page leads to.
  await db.flush()
  await db.store('blobs').put(1, 'last')
  await db.close()
}

interface Repaired {
  report: RepairReport
  db: any
}

/** What is saved of a database after its file was damaged. */
async function repaired(t: TestContext, damage: (file: DataFile) => void): Promise<Repaired> {
  const path = await temporaryDirectory(t)
  await fill(path)
  const file = new DataFile(path)
  damage(file)
  file.save()
  const hash = hashOf(file.path)
  const target = join(await temporaryDirectory(t), 'new')
  const report = await repair(path, target)
  assert.equal(hashOf(file.path), hash, 'the damaged file was written to')
  const db = (await open(target, { stores: STORES, mode: 'open' })) as any
  t.after(() => db.close())
  assert.deepEqual((await db.verify()).findings, [])
  return { report, db }
}

const hashOf = (path: string): string =>
  createHash('sha256').update(readFileSync(path)).digest('hex')

const wipe = (file: DataFile, number: number): void => {
  file.bytes.fill(0xa5, number * file.pageSize, (number + 1) * file.pageSize)
}

const leavesOf = (file: DataFile, tree: 'docs' | 'index' | 'meta'): Page[] =>
  file.tree(tree).filter(({ isLeaf }) => isLeaf)

/** All documents but those of some keys are there, and nothing else. */
async function assertSaved(db: any, lost: ReadonlySet<number> = new Set()): Promise<void> {
  const people = await db.store('people').getAll()
  const expected = Array.from({ length: COUNT }, (_, i) => personOf(i + 1))
  assert.deepEqual(
    people,
    expected.filter(({ id }) => !lost.has(id)),
  )
  assert.equal(await db.store('people').count(), COUNT - lost.size)
  const byName = await db.store('people').index('byName').getAll()
  assert.equal(byName.length, COUNT - lost.size)
  assert.equal((await db.store('blobs').get('large')).length, 250_000)
  assert.deepEqual(await db.store('blobs').get('k'.repeat(5_000)), new Map([[1, 'x']]))
  assert.equal(await db.store('people').add({ name: 'new', group: 5 }), COUNT + 1)
}

test('a sound database becomes the same one', async (t) => {
  const { report, db } = await repaired(t, () => {})
  assert.equal(report.ok, true)
  assert.deepEqual(report.findings, [])
  assert.equal(report.pages.damaged, 0)
  assert.equal(report.indexes, 3)
  const [blobs, people] = report.stores.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  assert.deepEqual(people, {
    name: 'people',
    documents: COUNT,
    uncertain: 0,
    lost: 0,
    lostKeys: [],
  })
  assert.equal(blobs!.documents, 3)
  await assertSaved(db)
})

test(
  'a leaf of documents that is gone: its documents are named',
  unlessSealed(PAGES),
  async (t) => {
    const { report, db } = await repaired(t, (file) => {
      const leaves = leavesOf(file, 'docs')
      wipe(file, leaves[Math.floor(leaves.length / 2)]!.number)
    })
    assert.equal(report.ok, false)
    assert.equal(report.pages.damaged, 1)
    const people = report.stores.find(({ name }) => name === 'people')!
    assert.equal(people.lost, COUNT - people.documents)
    assert.ok(people.lost > 5)
    // An index names each of them.
    assert.equal(people.lostKeys.length, people.lost)
    await assertSaved(db, new Set(people.lostKeys as number[]))
  },
)

test('a document that was changed is lost alone', unlessSealed(PAGES), async (t) => {
  const { report, db } = await repaired(t, (file) => {
    file.bytes[leavesOf(file, 'docs')[4]!.nodes[2]!.data + 6]! ^= 1
  })
  const people = report.stores.find(({ name }) => name === 'people')!
  assert.equal(people.lost, 1)
  assert.equal(people.lostKeys.length, 1)
  assert.deepEqual(
    report.findings.map(({ kind }) => kind),
    ['checksum', 'count'],
  )
  await assertSaved(db, new Set(people.lostKeys as number[]))
})

test('a branch of documents, and the root', unlessSealed(PAGES), async (t) => {
  for (const which of [0, 1]) {
    const { report, db } = await repaired(t, (file) => {
      const branches = file.tree('docs').filter(({ isLeaf }) => !isLeaf)
      wipe(file, branches[Math.min(which, branches.length - 1)]!.number)
    })
    assert.equal(report.ok, false)
    assert.ok(report.stores.every(({ lost, uncertain }) => lost === 0 && uncertain === 0))
    await assertSaved(db)
  }
})

test('the heads and slots of pages', unlessSealed(PAGES), async (t) => {
  // The page's number, its kind, its bounds, a slot.
  for (const at of [0, 10, 13, 15, 17, 19]) {
    const { db } = await repaired(t, (file) => {
      file.bytes[leavesOf(file, 'docs')[3]!.at + at]! ^= 0xff
    })
    await assertSaved(db)
  }
})

test('all indexes', unlessSealed(PAGES), async (t) => {
  const { report, db } = await repaired(t, (file) => {
    for (const { number } of file.tree('index')) wipe(file, number)
  })
  assert.ok(report.pages.damaged > 0)
  assert.ok(report.stores.every(({ lost }) => lost === 0))
  await assertSaved(db)
})

test(
  'an entry that leads to a page of another tree costs that nothing',
  unlessSealed(PAGES),
  async (t) => {
    const { report } = await repaired(t, (file) => {
      const large = leavesOf(file, 'docs')
        .flatMap(({ nodes }) => nodes)
        .findLast((node) => file.overflow(node) !== null)!
      const [records] = leavesOf(file, 'meta')
      file.bytes.writeBigUInt64LE(BigInt(records!.number), large.data)
    })
    // Nothing is said of records that are lost.
    assert.ok(report.findings.every(({ kind }) => kind !== 'catalog'))
    assert.equal(report.stores.find(({ name }) => name === 'people')!.documents, COUNT)
    assert.equal(report.stores.find(({ name }) => name === 'blobs')!.lost, 1)
  },
)

test('the records: shapes and stores are found in older states', unlessSealed(PAGES), async (t) => {
  const { report, db } = await repaired(t, (file) => {
    for (const { number } of file.tree('meta')) wipe(file, number)
  })
  assert.equal(report.ok, false)
  assert.equal(report.stores.find(({ name }) => name === 'people')!.documents, COUNT)
  await assertSaved(db)
})

test('the tree of trees', unlessSealed(PAGES), async (t) => {
  const { db } = await repaired(t, (file) => wipe(file, file.number(file.meta + 128)))
  await assertSaved(db)
})

test('the newest meta page: the state before it', unlessSealed(PAGES), async (t) => {
  const { report, db } = await repaired(t, (file) => wipe(file, file.meta === 0 ? 0 : 1))
  assert.equal(report.ok, false)
  await assertSaved(db)
})

test('both meta pages', unlessSealed(PAGES), async (t) => {
  const { report, db } = await repaired(t, (file) => {
    wipe(file, 0)
    wipe(file, 1)
  })
  assert.ok(report.stores.some(({ uncertain }) => uncertain > 0))
  await assertSaved(db)
})

test('a file that was cut off', unlessSealed(PAGES), async (t) => {
  const path = await temporaryDirectory(t)
  await fill(path)
  const file = join(path, 'data.mdb')
  const bytes = readFileSync(file)
  writeFileSync(file, bytes.subarray(0, Math.floor(bytes.length / 2)))
  await fails(() => open(path), 'CORRUPT')
  const target = join(await temporaryDirectory(t), 'new')
  const report = await repair(path, target)
  assert.equal(report.ok, false)
  // The name of the store may have been in the other half.
  const db = (await open(target)) as any
  const { name, documents } = report.stores.toSorted((a, b) => b.documents - a.documents)[0]!
  assert.ok(documents > 10 && documents < COUNT, `${name}: ${documents}`)
  for (const doc of await db.store(name).getAll()) assert.deepEqual(doc, personOf(doc.id))
  await db.close()
})

test('spaces are repaired along', unlessSealed(PAGES), async (t) => {
  const path = await temporaryDirectory(t)
  await fill(path)
  for (const space of ['a', 'b']) {
    const inner = (await open(path, { space, stores: { s: { keyPath: 'id' } } })) as any
    await inner.store('s').putMany(Array.from({ length: 10 }, (_, id) => ({ id, space })))
    await inner.close()
  }
  const [first] = readdirSync(join(path, 'spaces'))
  const file = new DataFile(join(path, 'spaces', first!))
  file.bytes[leavesOf(file, 'docs')[0]!.nodes[5]!.data + 6]! ^= 1
  file.save()
  const directory = await temporaryDirectory(t)
  const report = await repair(path, join(directory, 'with'))
  const db = await open(join(directory, 'with'))
  assert.deepEqual((await db.spaces()).toSorted(), ['a', 'b'])
  assert.deepEqual((await db.verify()).findings, [])
  const damaged = report.stores.filter(({ lost }) => lost === 1)
  assert.equal(damaged.length, 1)
  assert.deepEqual(damaged[0]!.lostKeys, [5])
  assert.equal(report.findings[0]!.space, damaged[0]!.space)
  await db.close()
  await repair(path, join(directory, 'without'), { spaces: false })
  const bare = await open(join(directory, 'without'))
  assert.deepEqual(await bare.spaces(), [])
  await bare.close()
})

test('what is in use, is not there or is none is refused, and nothing is left', async (t) => {
  const path = await temporaryDirectory(t)
  const directory = await temporaryDirectory(t)
  const target = join(directory, 'new')
  await fails(() => repair(path, target), 'DATABASE_NOT_FOUND')
  await fails(() => repair(join(path, 'nowhere'), target), 'DATABASE_NOT_FOUND')
  await fails(() => repair(path, ':memory:'), 'INVALID_ARGUMENT')
  await fill(path)
  const db = await open(path)
  await fails(() => repair(path, target), 'BUSY')
  await db.close()
  await fails(() => repair(path, path), 'DATABASE_EXISTS')
  const other = await temporaryDirectory(t)
  writeFileSync(join(other, 'data.mdb'), 'not a database '.repeat(1_000))
  await fails(() => repair(other, target), 'NOT_A_DATABASE')
  const controller = new AbortController()
  const repairing = repair(path, target, { signal: controller.signal })
  controller.abort()
  await fails(() => repairing, 'ABORTED')
  const thrown = new Error('enough')
  const onProgress = (): void => {
    throw thrown
  }
  do {
    // It may have been done before that was thrown.
    rmSync(target, { recursive: true, force: true })
    await assert.rejects(repair(path, target, { onProgress }), thrown)
  } while (existsSync(target))
  assert.deepEqual(readdirSync(directory), [])
  assert.equal((await repair(path, target)).ok, true)
})

test('the databases of earlier versions are repaired to what they were', async (t) => {
  const fixtures = join(__dirname, '..', '..', 'tests', 'fixtures')
  for (const name of await readdir(fixtures)) {
    const path = join(await temporaryDirectory(t), name)
    await cp(join(fixtures, name), path, { recursive: true })
    const target = `${path} repaired`
    const encryption = encryptionOf(name)
    const report = await repair(path, target, { encryption })
    assert.deepEqual(report.findings, [], name)
    const before = await open(path, { mode: 'readOnly', encryption })
    const after = await open(target, { encryption })
    assert.deepEqual(after.storeNames, before.storeNames)
    assert.deepEqual((await after.verify()).findings, [], name)
    await Promise.all([before.close(), after.close()])
  }
})

test('a directory for the result may be there, if it is empty', async (t) => {
  const path = await temporaryDirectory(t)
  await fill(path)
  const directory = await temporaryDirectory(t)
  const target = join(directory, 'new')
  mkdirSync(target)
  await repair(path, target)
  assert.ok(existsSync(join(target, 'data.mdb')))
  rmSync(path, { recursive: true })
  const db = await open(target)
  assert.equal((await db.verify()).ok, true)
  await db.close()
})
