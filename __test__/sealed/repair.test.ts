// What `repair` saves of encrypted databases with damage of one kind. Random damage is the drill's
// (../damage).

import assert from 'node:assert/strict'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { open, repair } from '../../index.js'
import type { RepairReport } from '../../index.js'
import { Blocks } from '../support/blocks'
import { temporaryDirectory } from '../support/database'
import { fails } from '../support/errors'
import { DataFile } from '../support/pages'
import { OWN_KEYS, unlessSealed } from '../support/sealed'

const KEY = new Uint8Array(32).fill(9)
const encryption = { key: KEY }
const passphrase = { passphrase: 'words', kdf: { memory: 64, iterations: 1, parallelism: 1 } }
const stores = {
  people: {
    keyPath: 'id',
    autoIncrement: true,
    indexes: { byName: { on: 'name', unique: true }, byGroup: { on: 'group' } },
  },
  blobs: {},
} as const
const COUNT = 3_000
const [DOCS, INDEX] = [1, 2]

const personOf = (id: number): any => ({
  id,
  name: `name ${id}`,
  group: id % 3,
  pad: 'x'.repeat(60),
})

async function fill(path: string): Promise<void> {
  const db = (await open(path, { stores, encryption, durability: 'relaxed' })) as any
  const people = db.store('people')
  // Of which some change, and some go: so there are older states of their blocks.
  const all = Array.from({ length: COUNT }, (_, i) => personOf(i + 1))
  await people.putMany(all.map((person) => ({ ...person, group: 77 })))
  await people.putMany(all)
  await people.putMany(Array.from({ length: 300 }, (_, i) => personOf(COUNT + 1 + i)))
  for (let id = COUNT + 1; id <= COUNT + 300; id++) void people.delete(id)
  await db.store('blobs').put('blob '.repeat(50_000), 'large')
  await db.store('blobs').put(new Map([[1, 'x']]), 'k'.repeat(5_000))
  await db.flush()
  await db.addKey(encryption, passphrase)
  await db.store('blobs').put(1, 'last')
  await db.close()
}

/** A file and its blocks, to be damaged. */
class Subject {
  readonly file: DataFile
  readonly blocks: Blocks

  constructor(path: string) {
    this.file = new DataFile(path)
    this.blocks = new Blocks(this.file, KEY)
  }

  wipe(page: number): void {
    this.file.bytes.fill(0xa5, page * this.file.pageSize, (page + 1) * this.file.pageSize)
  }

  /** The ids of the nodes of a tree, a level or all. */
  nodes(tree: number, level?: number): bigint[] {
    const below = (id: bigint): bigint[] => {
      const node = this.blocks.node(id)
      const own = level === undefined || node.level === level ? [id] : []
      return [...own, ...node.children.flatMap(below)]
    }
    return below(this.blocks.roots[tree]!)
  }

  /** What is stored on a page as a block. */
  storedOn(page: number): Buffer {
    const start = page * this.file.pageSize + 16
    return this.file.bytes.subarray(start, start + this.file.pageSize - 16)
  }

  wipeBlock(id: bigint): void {
    this.wipe(this.blocks.blocks.get(id)!.page)
  }
}

/** Leaves so much free room that the close gives it back. */
async function giveRoomBack(path: string): Promise<void> {
  const db = (await open(path, { stores, encryption })) as any
  await db.store('blobs').put(new Uint8Array(2 << 20), 'room')
  await db.store('blobs').delete('room')
  // The last commit gives up what there was of all of them.
  await db.store('people').putMany(Array.from({ length: COUNT }, (_, i) => personOf(i + 1)))
  await db.close()
  const { size, blocks } = statSync(join(path, 'data.mdb'))
  assert.ok(size - blocks * 512 > 2 << 20, 'no room was given back')
}

async function repaired(
  t: TestContext,
  damage: (subject: Subject) => void,
  prepare: (path: string) => Promise<void> = async () => {},
) {
  const path = await temporaryDirectory(t)
  await fill(path)
  await prepare(path)
  const subject = new Subject(path)
  damage(subject)
  subject.file.save()
  const target = join(await temporaryDirectory(t), 'new')
  const report = await repair(path, target, { encryption })
  const db = (await open(target, { stores, encryption, mode: 'open' })) as any
  t.after(() => db.close())
  assert.deepEqual((await db.verify()).findings, [])
  return { report, db, target }
}

/** All documents but those of some keys are there, and nothing else. */
async function assertSaved(db: any, lost: ReadonlySet<number> = new Set()): Promise<void> {
  const expected = Array.from({ length: COUNT }, (_, i) => personOf(i + 1))
  const saved = expected.filter(({ id }) => !lost.has(id))
  assert.deepEqual(await db.store('people').getAll(), saved)
  assert.equal(await db.store('people').index('byName').count(), saved.length)
  assert.equal((await db.store('blobs').get('large')).length, 250_000)
  assert.deepEqual(await db.store('blobs').get('k'.repeat(5_000)), new Map([[1, 'x']]))
  assert.equal(await db.store('people').add({ name: 'new' }), COUNT + 301)
}

const uncertainOf = ({ stores: all }: RepairReport): number =>
  all.reduce((sum, { uncertain }) => sum + uncertain, 0)
const lostOf = ({ stores: all }: RepairReport): number =>
  all.reduce((sum, { lost }) => sum + (lost ?? Infinity), 0)

test('a sound database becomes the same one, with the same keys', async (t) => {
  const { report, db, target } = await repaired(t, () => {})
  assert.equal(report.ok, true)
  assert.deepEqual(report.findings, [])
  assert.equal(report.pages.damaged, 0)
  assert.equal(report.indexes, 2)
  assert.equal(uncertainOf(report), 0)
  await assertSaved(db)
  await db.close()
  await fails(() => open(target, { encryption: { key: new Uint8Array(32) } }), 'WRONG_KEY')
  const again = (await open(target, { encryption: passphrase })) as any
  assert.equal(await again.store('people').count(), COUNT + 1)
  assert.equal((await again.verify()).ok, true)
  await again.close()
})

test('it needs the key, and one of a database that has one', unlessSealed(OWN_KEYS), async (t) => {
  const path = await temporaryDirectory(t)
  await fill(path)
  const directory = await temporaryDirectory(t)
  const target = join(directory, 'new')
  await fails(() => repair(path, target), 'ENCRYPTED')
  await fails(() => repair(path, target, { encryption: { key: new Uint8Array(32) } }), 'WRONG_KEY')
  await fails(() => repair(path, target, { encryption: { passphrase: 'x' } }), 'WRONG_KEY')
  await fails(() => repair(path, target, { encryption: {} } as any), 'INVALID_ARGUMENT')
  const plain = join(directory, 'plain')
  await (await open(plain, { stores })).close()
  await fails(() => repair(plain, target, { encryption }), 'NOT_ENCRYPTED')
  assert.deepEqual(readdirSync(directory), ['plain'])
  const report = await repair(path, target, { encryption: { key: () => Promise.resolve(KEY) } })
  assert.equal(report.ok, true)
})

test('branches that are gone cost nothing', async (t) => {
  for (const tree of [DOCS, INDEX]) {
    const { report, db } = await repaired(t, (subject) => {
      const branches = subject.nodes(tree).filter((id) => subject.blocks.node(id).level > 0)
      assert.ok(branches.length > 0)
      for (const id of branches) subject.wipeBlock(id)
    })
    assert.equal(report.ok, false)
    assert.deepEqual([lostOf(report), uncertainOf(report)], [0, 0])
    await assertSaved(db)
  }
})

test('a leaf of documents that is gone: its documents are named', async (t) => {
  let expected: number[] = []
  const { report, db } = await repaired(t, (subject) => {
    const leaves = subject.nodes(DOCS, 0)
    const leaf = leaves[Math.floor(leaves.length / 2)]!
    expected = subject.blocks.node(leaf).entries.map(({ key }) => key.length)
    subject.wipeBlock(leaf)
  })
  const people = report.stores.find(({ name }) => name === 'people')!
  assert.equal(report.pages.damaged, 1)
  assert.equal(people.lost, expected.length)
  assert.equal(people.lostKeys.length, expected.length)
  await assertSaved(db, new Set(people.lostKeys as number[]))
})

test('a part of a large value', async (t) => {
  const { report, db } = await repaired(t, (subject) => {
    const entry = subject
      .nodes(DOCS, 0)
      .flatMap((id) => subject.blocks.node(id).entries)
      .find(({ value }) => !(value instanceof Buffer) && value.length > 200_000)!
    subject.wipeBlock(subject.blocks.partsOf(entry.value as any)[3]!)
  })
  const blobs = report.stores.find(({ name }) => name === 'blobs')!
  assert.deepEqual([blobs.lost, blobs.lostKeys], [1, ['large']])
  assert.equal(await db.store('people').count(), COUNT)
})

test("LMDB's own leaves and branches: blocks are found by the ids that lead to them", async (t) => {
  for (const wanted of [true, false]) {
    const { report, db } = await repaired(t, (subject) => {
      const pages = subject.file.tree('docs').filter(({ isLeaf }) => isLeaf === wanted)
      for (const { number } of wanted ? pages.slice(1, 2) : pages) subject.wipe(number)
    })
    assert.equal(report.ok, false)
    assert.deepEqual([lostOf(report), uncertainOf(report)], [0, 0])
    await assertSaved(db)
  }
})

test('an entry that leads to another page, or is of another block', async (t) => {
  // A low byte of the page, of the id, of the size.
  for (const place of [(at: number) => at + 16, (at: number) => at + 8 + 7, (at: number) => at]) {
    const { report, db } = await repaired(t, (subject) => {
      const leaf = subject.nodes(DOCS, 0)[5]!
      subject.file.bytes[place(subject.blocks.blocks.get(leaf)!.node.at)]! ^= 1
    })
    assert.equal(report.ok, false)
    assert.deepEqual([lostOf(report), uncertainOf(report)], [0, 0])
    await assertSaved(db)
  }
})

test('an entry that leads to an older state of its block does not bring that back', async (t) => {
  let isTried = false
  const { report, db } = await repaired(t, (subject) => {
    const { file, blocks } = subject
    const current = new Set([...blocks.blocks.values()].map(({ page }) => page))
    for (const id of subject.nodes(DOCS, 0)) {
      for (let page = 2; page <= file.lastPage; page++) {
        if (current.has(page) || !blocks.opens(id, subject.storedOn(page))) continue
        file.bytes.writeBigUInt64LE(BigInt(page), blocks.blocks.get(id)!.node.data)
        isTried = true
        return
      }
    }
  })
  assert.ok(isTried, 'no block has an older state')
  assert.equal(report.ok, false)
  assert.deepEqual([lostOf(report), uncertainOf(report)], [0, 0])
  await assertSaved(db)
})

test('stores and shapes are found in older states', async (t) => {
  const { report, db } = await repaired(t, (subject) => {
    for (const id of subject.nodes(0)) subject.wipeBlock(id)
  })
  assert.equal(report.ok, false)
  assert.equal(report.stores.find(({ name }) => name === 'people')!.documents, COUNT)
  assert.deepEqual(await db.store('people').get(1), personOf(1))
})

test('also where the room of free pages was given back', async (t) => {
  const { report, db } = await repaired(
    t,
    (subject) => {
      for (const id of subject.nodes(0)) subject.wipeBlock(id)
    },
    giveRoomBack,
  )
  assert.equal(report.ok, false)
  assert.equal(report.stores.find(({ name }) => name === 'people')!.documents, COUNT)
  assert.deepEqual(await db.store('people').get(COUNT), personOf(COUNT))
})

test('the state before the last one is whole, too, where room was given back', async (t) => {
  const { report, db } = await repaired(
    t,
    (subject) => subject.wipe(subject.file.meta / subject.file.pageSize),
    giveRoomBack,
  )
  assert.equal(report.ok, false)
  await assertSaved(db)
})

test('the records in clear are found in older states, or nothing is', async (t) => {
  const { report, db } = await repaired(t, (subject) => {
    for (const { number } of subject.file.tree('meta')) subject.wipe(number)
  })
  assert.equal(report.ok, false)
  await assertSaved(db)

  const path = await temporaryDirectory(t)
  await fill(path)
  const file = new DataFile(path)
  for (let at = file.bytes.indexOf('LODESTOR'); at >= 0; at = file.bytes.indexOf('LODESTOR', at)) {
    file.bytes.fill(0, at, at + 8)
  }
  file.save()
  const target = join(await temporaryDirectory(t), 'new')
  await fails(() => repair(path, target, { encryption }), 'CORRUPT')
  assert.equal(existsSync(target), false)
})

test('both meta pages: what may be of an older state is uncertain', async (t) => {
  const { report, db } = await repaired(t, (subject) => {
    subject.wipe(0)
    subject.wipe(1)
  })
  assert.equal(report.ok, false)
  assert.ok(uncertainOf(report) >= COUNT)
  assert.deepEqual(
    (await db.store('people').getAll()).filter(({ id }: any) => id <= COUNT),
    Array.from({ length: COUNT }, (_, i) => personOf(i + 1)),
  )
})

test('spaces are repaired along, and one whose keys are lost is a finding', async (t) => {
  const path = await temporaryDirectory(t)
  await fill(path)
  for (const space of ['a', 'b']) {
    const inner = (await open(path, { space, encryption, stores: { s: { keyPath: 'id' } } })) as any
    await inner.store('s').putMany(Array.from({ length: 10 }, (_, id) => ({ id, space })))
    await inner.close()
  }
  const directory = await temporaryDirectory(t)
  const sound = await repair(path, join(directory, 'sound'), { encryption })
  assert.equal(sound.ok, true)
  const [first] = readdirSync(join(path, 'spaces'))
  const file = new DataFile(join(path, 'spaces', first!))
  for (let at = file.bytes.indexOf('LODESTOR'); at >= 0; at = file.bytes.indexOf('LODESTOR', at)) {
    file.bytes.fill(0, at, at + 8)
  }
  file.save()
  const report = await repair(path, join(directory, 'new'), { encryption })
  const lost = report.findings.find(({ kind }) => kind === 'space')!
  for (const [name, spaces] of [
    ['sound', ['a', 'b']],
    ['new', lost.message.includes('"a"') ? ['b'] : ['a']],
  ] as const) {
    const db = await open(join(directory, name), { encryption })
    assert.deepEqual((await db.spaces()).toSorted(), spaces)
    assert.deepEqual((await db.verify()).findings, [])
    await db.close()
    for (const space of spaces) {
      const inner = (await open(join(directory, name), { space, encryption, mode: 'open' })) as any
      assert.deepEqual(await inner.store('s').get(3), { id: 3, space })
      await inner.close()
    }
  }
})
