// What `verify` says of sound databases, and that it finds each kind of damage to the file. Damage
// that only the engine can make (a missing entry, a wrong count) is in tests/store_check.rs.

import assert from 'node:assert/strict'
import { cp, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { open } from '../../index.js'
import type { VerifyReport } from '../../index.js'
import { encryptionOf } from '../format/contents'
import { temporaryDirectory } from '../support/database'
import { fails } from '../support/errors'
import { DataFile } from '../support/pages'
import { Random, seed } from '../support/random'
import { PAGES, isSealed, unlessSealed } from '../support/sealed'

const STORES = {
  people: {
    keyPath: 'id',
    indexes: { byName: { on: 'name', unique: true }, byTag: { on: 'tags' } },
  },
  notes: { autoIncrement: true },
} as const

const COUNT = 3_000

async function fill(path: string): Promise<any> {
  const db = (await open(path, { stores: STORES, durability: 'relaxed' })) as any
  const people = Array.from({ length: COUNT }, (_, id) => ({
    id,
    name: `name ${id}`,
    tags: [id % 7, 'x'],
  }))
  await db.store('people').putMany(people)
  await db.store('notes').putMany([{ text: 'short' }, { text: 'long '.repeat(20_000) }])
  // Pages that are free again.
  for (let id = 0; id < COUNT; id += 100) await db.store('people').put({ ...people[id], again: id })
  return db
}

/** What `verify` says of a database after its file was damaged. */
async function found(
  t: TestContext,
  damage: (file: DataFile) => void,
  options?: object,
): Promise<VerifyReport> {
  const path = await temporaryDirectory(t)
  await (await fill(path)).close()
  const file = new DataFile(path)
  damage(file)
  file.save()
  const db = await open(path, { mode: 'readOnly' })
  const report = await db.verify(options as any)
  await db.close()
  assert.equal(report.ok, false)
  assert.equal(report.findingCount >= report.findings.length, true)
  return report
}

const kindsOf = ({ findings }: VerifyReport): string[] => [
  ...new Set(findings.map(({ kind }) => kind)),
]

/** The leaf of the documents in the middle. */
function leafOf(file: DataFile): ReturnType<DataFile['page']> {
  const leaves = file.tree('docs').filter(({ isLeaf, nodes }) => isLeaf && nodes.length > 5)
  return leaves[Math.floor(leaves.length / 2)]!
}

test('a sound database has nothing to report, at both levels', async (t) => {
  const db = await fill(await temporaryDirectory(t))
  const phases = new Set<string>()
  const onProgress = ({ phase, done, total }: any): void => {
    assert.ok(done <= total)
    phases.add(phase)
  }
  const full = await db.verify({ onProgress })
  assert.deepEqual(full.findings, [])
  assert.equal(full.ok, true)
  assert.equal(full.stores, 2)
  assert.equal(full.indexes, 2)
  assert.equal(full.documents, COUNT + 2)
  // Of each array an entry for each element, and one for the whole.
  assert.equal(full.entries, COUNT * 4)
  const { total, used, free } = full.pages
  assert.ok(used > 100 && free > 0)
  assert.equal(used + free + 2, total)
  const looked = isSealed ? ['pages', 'blocks', 'documents'] : ['pages', 'documents']
  assert.deepEqual([...phases], looked)
  const quick = await db.verify({ level: 'quick' })
  assert.equal(quick.ok, true)
  assert.equal(quick.documents, 0)
  assert.equal(quick.transactionId, full.transactionId)
  assert.deepEqual(quick.pages, full.pages)
  await db.close()
})

test('spaces are verified along, and findings name them', unlessSealed(PAGES), async (t) => {
  const path = await temporaryDirectory(t)
  const db = await fill(path)
  const space = (await open(path, { space: 'inner', stores: { s: { keyPath: 'id' } } })) as any
  await space.store('s').put({ id: 1, text: 'hello' })
  await space.close()
  assert.equal((await db.verify()).spaces, 1)
  assert.equal((await db.verify()).documents, COUNT + 3)
  assert.equal((await db.verify({ spaces: false })).spaces, 0)
  await db.close()
  const [directory] = await readdir(join(path, 'spaces'))
  const file = new DataFile(join(path, 'spaces', directory!))
  const [leaf] = file.tree('docs')
  file.bytes[leaf!.nodes[0]!.data + 3]! ^= 1
  file.save()
  const again = await open(path)
  const { findings } = await again.verify()
  assert.deepEqual(findings[0]!.kind, 'checksum')
  assert.equal(findings[0]!.space, 'inner')
  assert.equal(findings[0]!.store, 's')
  assert.equal(findings[0]!.key, 1)
  await again.close()
})

test('a state is verified while others write', async (t) => {
  const db = await fill(await temporaryDirectory(t))
  let writes = 0
  const work = { goes: true }
  const writing = (async () => {
    for (; work.goes; writes++) {
      await db.store('people').put({ id: writes % COUNT, name: `other ${writes}`, tags: ['y'] })
      if (writes % 10 === 0) await db.store('people').delete((writes * 7) % COUNT)
    }
  })()
  for (let i = 0; i < 10; i++) {
    const report = await db.verify()
    assert.deepEqual(report.findings, [])
  }
  work.goes = false
  await writing
  assert.ok(writes > 10)
  await db.close()
})

test('cancelling and exceptions of onProgress end it', async (t) => {
  const db = await fill(await temporaryDirectory(t))
  const early = new AbortController()
  const verifying = db.verify({ signal: early.signal })
  early.abort(new Error('enough'))
  const error = await fails(() => verifying, 'ABORTED')
  assert.equal((error.cause as Error).message, 'enough')
  // It may be done before it hears of it.
  const tryToAbort = async (): Promise<string | undefined> => {
    const controller = new AbortController()
    const onProgress = (): void => controller.abort()
    const { signal } = controller
    return db.verify({ onProgress, signal }).then(
      () => undefined,
      ({ code }: any) => code,
    )
  }
  let outcome = await tryToAbort()
  for (let attempt = 0; attempt < 50 && outcome === undefined; attempt++) {
    outcome = await tryToAbort()
  }
  assert.equal(outcome, 'ABORTED')
  const thrown = new Error('enough')
  const throwing = db.verify({
    onProgress() {
      throw thrown
    },
  })
  await assert.rejects(throwing, thrown)
  assert.equal((await db.verify()).ok, true)
  await db.close()
})

test('a document that was changed in the file', unlessSealed(PAGES), async (t) => {
  const report = await found(t, (file) => {
    const { data } = leafOf(file).nodes[3]!
    file.bytes[data + 4]! ^= 0x10
  })
  assert.deepEqual(kindsOf(report), ['checksum'])
  const [finding] = report.findings
  assert.equal(finding!.store, 'people')
  assert.equal(typeof finding!.key, 'number')
  assert.doesNotMatch(finding!.message, /name/)
})

test(
  'a page of another kind, and one that points outside itself',
  unlessSealed(PAGES),
  async (t) => {
    for (const damage of [10, 13, 15, 17]) {
      const report = await found(t, (file) => (file.bytes[leafOf(file).at + damage] = 0xff))
      assert.equal(report.findings[0]!.kind, 'page')
      assert.equal(typeof report.findings[0]!.page, 'number')
      assert.ok(kindsOf(report).includes('unreadable') || damage === 15)
      const quick = await found(t, (file) => (file.bytes[leafOf(file).at + damage] = 0xff), {
        level: 'quick',
      })
      assert.deepEqual(kindsOf(quick), ['page'])
    }
  },
)

test('keys that are out of order', unlessSealed(PAGES), async (t) => {
  const swap = (file: DataFile): void => {
    const { at } = leafOf(file)
    const first = file.bytes.readUInt16LE(at + 16)
    file.bytes.writeUInt16LE(file.bytes.readUInt16LE(at + 18), at + 16)
    file.bytes.writeUInt16LE(first, at + 18)
  }
  assert.ok(kindsOf(await found(t, swap)).includes('keyOrder'))
  assert.deepEqual(kindsOf(await found(t, swap, { level: 'quick' })), ['keyOrder'])
})

/** A list of free pages: where the number of pages is. */
function freeListOf(file: DataFile): number {
  for (const page of file.pages(file.freeRoot)) {
    for (const node of page.nodes) {
      if (page.isLeaf && node.flags === 0 && file.number(node.data) > 1) return node.data
    }
  }
  throw new Error('there is no list of free pages')
}

test('a page that is in use and free', unlessSealed(PAGES), async (t) => {
  const report = await found(t, (file) => {
    const list = freeListOf(file)
    // The first one is the highest.
    const used = file.tree('docs').map(({ number }) => number)
    const [highest, next] = [file.number(list + 8), file.number(list + 16)]
    const between = used.find((number) => number > next && number !== highest)!
    file.bytes.writeBigUInt64LE(BigInt(between), list + 8)
  })
  assert.deepEqual(kindsOf(report), ['sharedPage'])
})

test('a page that belongs to nothing', async (t) => {
  const report = await found(t, (file) => {
    const list = freeListOf(file)
    file.bytes.writeBigUInt64LE(BigInt(file.number(list) - 1), list)
  })
  assert.deepEqual(kindsOf(report), ['leakedPage'])
  assert.match(report.findings[0]!.message, /: 1$/)
})

test('a tree that has other entries than are counted', async (t) => {
  const report = await found(t, (file) => {
    const { data } = file.record('index')
    file.bytes.writeBigUInt64LE(BigInt(file.number(data + 32) + 1), data + 32)
  })
  assert.deepEqual(kindsOf(report), ['pageCount'])
})

test('a large value that is not where it should be', async (t) => {
  const report = await found(t, (file) => {
    const large = file
      .tree('docs')
      .flatMap(({ isLeaf, nodes }) => (isLeaf ? nodes : []))
      .map((node) => file.overflow(node))
      .find((run) => run !== null)!
    file.bytes[large.first * file.pageSize + 10] = 2
  })
  assert.equal(report.findings[0]!.kind, 'page')
})

test('an index entry of another kind', unlessSealed(PAGES), async (t) => {
  const report = await found(t, (file) => {
    const leaves = file.tree('index').filter(({ isLeaf }) => isLeaf)
    file.bytes[leaves[0]!.nodes[0]!.data] = 1
  })
  assert.ok(kindsOf(report).includes('entry'))
  assert.equal(report.findings[0]!.store, 'people')
})

test('a record that was changed in the file', unlessSealed(PAGES), async (t) => {
  const report = await found(t, (file) => {
    const nodes = file.tree('meta').flatMap((page) => (page.isLeaf ? page.nodes : []))
    const counter = nodes.find(({ key }) => key.subarray(1).toString().startsWith('C'))!
    file.bytes[counter.data + 1]! ^= 1
  })
  assert.ok(kindsOf(report).includes('checksum'), JSON.stringify(report.findings))
})

test(
  'only so many findings are listed as are asked for, and all are counted',
  unlessSealed(PAGES),
  async (t) => {
    const damage = (file: DataFile): void => {
      for (const { data } of leafOf(file).nodes) file.bytes[data + 4]! ^= 0x10
    }
    const all = await found(t, damage)
    assert.ok(all.findingCount > 5)
    const few = await found(t, damage, { maxFindings: 2 })
    assert.equal(few.findings.length, 2)
    assert.equal(few.findingCount, all.findingCount)
    assert.equal((await found(t, damage, { maxFindings: 0 })).findings.length, 0)
  },
)

test('random bytes anywhere in the file never end the process', async (t) => {
  const path = await temporaryDirectory(t)
  await (await fill(path)).close()
  t.diagnostic(`LODESTORE_SEED=${seed}`)
  const random = new Random(seed)
  const sound = new DataFile(path)
  for (let round = 0; round < 60; round++) {
    const file = new DataFile(path)
    sound.bytes.copy(file.bytes)
    const at = 2 * file.pageSize + random.below(file.bytes.length - 2 * file.pageSize - 64)
    const length = 1 + random.below(64)
    let changed = false
    for (let i = 0; i < length; i++) {
      const byte = random.below(256)
      changed ||= byte !== file.bytes[at + i]
      file.bytes[at + i] = byte
    }
    file.save()
    let db
    try {
      db = await open(path, { mode: 'readOnly' })
    } catch (error: any) {
      assert.ok(['CORRUPT', 'NOT_A_DATABASE', 'INCOMPATIBLE_VERSION'].includes(error.code), error)
      continue
    }
    const report = await db.verify()
    assert.ok(changed || report.ok)
    await db.close()
  }
})

test('the databases of earlier versions are sound', async (t) => {
  const fixtures = join(__dirname, '..', '..', 'tests', 'fixtures')
  for (const name of await readdir(fixtures)) {
    const path = join(await temporaryDirectory(t), name)
    await cp(join(fixtures, name), path, { recursive: true })
    const encryption = encryptionOf(name)
    const db = await open(path, { mode: 'readOnly', ...(encryption && { encryption }) })
    assert.deepEqual((await db.verify()).findings, [], name)
    await db.close()
  }
})
