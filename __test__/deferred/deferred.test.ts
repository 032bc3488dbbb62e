import assert from 'node:assert/strict'
import { cpSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { Worker } from 'node:worker_threads'
import { decrypt, encrypt, open, repair, restore } from '../../index.js'
import { Child } from '../support/child'
import { temporaryDirectory } from '../support/database'
import { fails } from '../support/errors'
import { OWN_KEYS, isSealed as areSealed, unlessSealed } from '../support/sealed'
import { FIXTURE_COUNT, MARKER, STORES, check } from './documents'
import { ENCRYPTION, hasChanges, leaveChanges } from './killed'

const WRITER = join(__dirname, 'writer.ts')
const FIXTURES = join(__dirname, '..', '..', 'tests', 'fixtures')
const encryption = ENCRYPTION
const COUNT = 40

async function killed(t: TestContext, durability: any, isSealed: boolean): Promise<string> {
  const path = join(await temporaryDirectory(t), 'db')
  await leaveChanges(path, { durability, isSealed, count: COUNT })
  return path
}

for (const isSealed of [false, true]) {
  const what = isSealed ? 'an encrypted database' : 'a database'
  const unlocking = isSealed ? { encryption } : {}

  test(`what was acknowledged is there when ${what} is opened after a kill`, async (t) => {
    for (const durability of ['strict', 'relaxed']) {
      const path = await killed(t, durability, isSealed)
      const copy = join(await temporaryDirectory(t), 'copy')
      cpSync(path, copy, { recursive: true })
      for (const [from, options] of [
        [path, {}],
        [copy, { mode: 'readOnly' }],
      ] as const) {
        if (isSealed) {
          await fails(() => open(from, { encryption: { key: Buffer.alloc(32) } }), 'WRONG_KEY')
          await fails(() => open(from), areSealed ? 'WRONG_KEY' : 'ENCRYPTED')
        }
        for (let i = 0; i < 2; i++) {
          const db: any = await open(from, { ...unlocking, ...options })
          await check(db, COUNT)
          assert.deepEqual((await db.verify()).findings, [])
          await db.close()
          assert.ok(!hasChanges(from))
        }
      }
    }
  })

  test(`${what} is repaired and restored with what was acknowledged`, async (t) => {
    const directory = await temporaryDirectory(t)
    const path = await killed(t, 'strict', isSealed)
    const [copy, repaired, restored] = ['copy', 'repaired', 'restored'].map((name) =>
      join(directory, name),
    ) as [string, string, string]
    cpSync(path, copy, { recursive: true })
    const report = await repair(copy, repaired, unlocking)
    assert.deepEqual(report.findings, [])
    await restore(path, restored, unlocking)
    for (const each of [repaired, restored]) {
      const db = await open(each, unlocking)
      await check(db, COUNT)
      await db.close()
    }
  })
}

for (const name of ['journal-changes', 'journal-changes-key']) {
  test(`changes in the journal of the fixture ${name} are made`, async (t) => {
    const path = join(await temporaryDirectory(t), 'db')
    cpSync(join(FIXTURES, name), path, { recursive: true })
    assert.ok(hasChanges(path))
    const db: any = await open(path, name.endsWith('-key') ? { encryption } : {})
    await check(db, FIXTURE_COUNT)
    assert.deepEqual((await db.verify()).findings, [])
    await db.close()
  })
}

test(
  'a database is encrypted and decrypted with what was acknowledged',
  unlessSealed(OWN_KEYS),
  async (t) => {
    const path = await killed(t, 'strict', false)
    await encrypt(path, { encryption })
    for (const name of readdirSync(path)) {
      assert.ok(!readFileSync(join(path, name)).includes(MARKER), name)
    }
    const sealed = await open(path, { encryption })
    await check(sealed, COUNT)
    await sealed.close()
    const other = await killed(t, 'relaxed', true)
    await decrypt(other, { encryption })
    const plain = await open(other)
    await check(plain, COUNT)
    await plain.close()
  },
)

test('a restore takes the place of what was acknowledged', async (t) => {
  const directory = await temporaryDirectory(t)
  const from: any = await open(join(directory, 'from'), { stores: STORES })
  await from.store('s').put({ id: 1, group: 1 })
  await from.close()
  const path = await killed(t, 'strict', false)
  await restore(join(directory, 'from'), path)
  assert.ok(!readFileSync(join(path, 'data.journal')).includes(MARKER))
  const db = await open(path)
  assert.deepEqual(await db.store('s').getAll(), [{ id: 1, group: 1 }])
  await db.close()
})

test('documents and their sizes do not show in an encrypted journal', async (t) => {
  const path = await killed(t, 'strict', true)
  const journal = readFileSync(join(path, 'data.journal'))
  assert.ok(!journal.includes(MARKER))
  const lengths = new Set<number>()
  for (let at = 8_192; at < journal.length; at += 512) {
    if (journal.toString('latin1', at + 8, at + 16) !== 'LodeJrnC') continue
    lengths.add(Number(journal.readBigUInt64LE(at + 48)))
  }
  assert.deepEqual([...lengths], [4_096])
})

test('who opens a database that is being written sees all that was acknowledged', async (t) => {
  const path = join(await temporaryDirectory(t), 'db')
  const child = new Child(WRITER, [], { quick: true })
  child.say({ path, durability: 'relaxed' })
  let acknowledged = ((await child.next()) as number) + 1
  void (async () => {
    for (let n; (n = await child.nextOrEnd()) !== undefined;) acknowledged = Number(n) + 1
  })()
  for (let i = 0; i < 12; i++) {
    const before = acknowledged
    const db: any = await open(path)
    for (let j = 0; j < 20; j++) {
      const least = acknowledged
      const newest = Math.max(
        ...(await db.store('s').find({}).sort({ n: -1 }).limit(1).toArray()).map((d: any) => d.n),
      )
      assert.ok(newest >= least - 1, `${newest} of ${least}`)
    }
    await db.close()
    // Alone again, it goes on with deferred commits.
    await new Promise((done) => setTimeout(done, 40))
    assert.ok(acknowledged > before)
  }
  await child.kill()
  const db = await open(path)
  await check(db, acknowledged, Infinity)
  await db.close()
})

test('threads, snapshots and cursors see what was acknowledged', async (t) => {
  const path = join(await temporaryDirectory(t), 'db')
  const db: any = await open(path, { durability: 'relaxed', stores: STORES })
  const s = db.store('s')
  const worker = new Worker(join(__dirname, 'reader.mjs'), { workerData: { path } })
  const answer = (): Promise<any> => new Promise((resolve) => worker.once('message', resolve))
  await answer()
  const readers: ((id: number) => Promise<unknown> | unknown)[] = [
    (id) => s.get(id),
    (id) => s.getSync(id),
    (id) => s.count().then((count: number) => (count === id + 1 ? documentAt(id) : count)),
    (id) => s.findOne({ id }),
    (id) =>
      s
        .index('byGroup')
        .getAll(id % 7)
        .then((all: any[]) => all.at(-1)),
    (id) => db.transaction((tx: any) => tx.store('s').get(id)),
    async (id) => {
      const snapshot = await db.snapshot()
      const found = await snapshot.store('s').get(id)
      snapshot.close()
      return found
    },
    async (id) => {
      const cursor = s.openCursor({ gte: id })
      await cursor.next()
      const { value } = cursor
      await cursor.close?.()
      return value
    },
    (id) => {
      worker.postMessage(id)
      return answer()
    },
  ]
  const documentAt = (id: number): unknown => ({ id, group: id % 7 })
  let id = 0
  for (let round = 0; round < 30; round++) {
    for (const read of readers) {
      // Several, so that the last ones are deferred.
      for (let i = 0; i < 4; i++) await s.put(documentAt(id++))
      assert.deepEqual(await read(id - 1), documentAt(id - 1), String(read))
    }
  }
  worker.postMessage(null)
  await new Promise((resolve) => worker.once('exit', resolve))
  await db.close()
})

test('a write that fails leaves those before it', async (t) => {
  const path = join(await temporaryDirectory(t), 'db')
  const stores = { s: { keyPath: 'id', indexes: { byU: { on: 'u', unique: true } } } }
  const db: any = await open(path, { stores })
  const s = db.store('s')
  for (let id = 0; id < 200; id++) {
    await s.put({ id, u: id, text: 'x'.repeat(id) })
    if (id % 3 === 0) await fails(() => s.put({ id: id + 1_000, u: id }), 'UNIQUE_VIOLATION')
    if (id % 7 === 0) {
      const group = [
        { id: 5_000, u: 5_000 },
        { id: 5_001, u: id },
      ]
      await fails(() => s.putMany(group, { atomic: true }), 'UNIQUE_VIOLATION')
    }
    if (id % 10 === 9) await s.delete(id - 5)
  }
  assert.equal(await s.count(), 180)
  assert.equal(await s.index('byU').count(), 180)
  assert.deepEqual((await db.verify()).findings, [])
  await db.close()
})
