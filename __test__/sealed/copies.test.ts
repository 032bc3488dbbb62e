// What stands in clear in an encrypted database stands there twice: one of both is enough.

import assert from 'node:assert/strict'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { open, repair } from '../../index.js'
import { STORES, encryptionOf } from '../format/contents'
import { temporaryDirectory } from '../support/database'
import { fails } from '../support/errors'
import { DataFile, type Node } from '../support/pages'
import { OWN_KEYS, unlessSealed } from '../support/sealed'

const FIXTURES = join(__dirname, '..', '..', 'tests', 'fixtures')
const encryption = { key: new Uint8Array(32).fill(9) }
const stores = { s: { keyPath: 'id', indexes: { byN: { on: 'n' } } } }
const COUNT = 500

type Tree = 'meta' | 'log'

const documentOf = (id: number) => ({ id, n: id % 7, text: 'text '.repeat(id % 50) })

/** Creates a database that two processes' worth of epochs were written in. */
async function create(t: TestContext): Promise<string> {
  const path = join(await temporaryDirectory(t), 'db')
  for (const half of [0, 1]) {
    const db = (await open(path, { encryption, stores })) as any
    const ids = Array.from({ length: COUNT / 2 }, (_, i) => (half * COUNT) / 2 + i)
    await db.store('s').putMany(ids.map(documentOf))
    await db.close()
  }
  return path
}

/** The records in clear, or their copies: names in ASCII with numbers behind, and the entries. */
function recordsOf(file: DataFile, tree: Tree): Map<string, Node> {
  const nodes = file.tree(tree).flatMap((page) => (page.isLeaf ? page.nodes : []))
  return new Map(nodes.map((node) => [node.key.subarray(1).toString('latin1'), node]))
}

const NAMES = ['F', 'K', 'E\0\0\0\x01', 'E\0\0\0\x02']

/** Changes a byte in the middle of a record, or of its copy. */
function damage(file: DataFile, tree: Tree, name: string): void {
  const { data, size } = recordsOf(file, tree).get(name)!
  file.bytes[data + (size >> 1)]! ^= 0x10
}

/** Everything is there. */
async function checkContent(db: any): Promise<void> {
  const expected = Array.from({ length: COUNT }, (_, id) => documentOf(id))
  assert.deepEqual(await db.store('s').getAll({ lt: COUNT }), expected)
}

/** Records and copies are the same bytes. */
function checkCopies(path: string): void {
  const file = new DataFile(path)
  const read = (tree: Tree) =>
    [...recordsOf(file, tree)].map(([name, { data, size }]) => [
      name,
      file.bytes.toString('hex', data, data + size),
    ])
  assert.ok(read('meta').length >= 3)
  assert.deepEqual(read('log'), read('meta'))
}

for (const tree of ['meta', 'log'] as const) {
  const what = tree === 'meta' ? 'record' : 'copy'
  test(`a damaged ${what} is reported, and written anew`, unlessSealed(OWN_KEYS), async (t) => {
    const sound = await create(t)
    checkCopies(sound)
    for (const name of NAMES) {
      const path = `${sound} ${name.codePointAt(4) ?? name}`
      cpSync(sound, path, { recursive: true })
      const file = new DataFile(path)
      damage(file, tree, name)
      file.save()
      let db = (await open(path, { encryption, mode: 'readOnly' })) as any
      await checkContent(db)
      const { ok, findings } = await db.verify()
      assert.equal(ok, false)
      assert.equal(findings.length, 1, JSON.stringify(findings))
      assert.match(findings[0].message, tree === 'meta' ? /read from its copy/ : /damaged copy/)
      await db.close()
      db = await open(path, { encryption })
      await db.store('s').put({ id: COUNT })
      assert.deepEqual((await db.verify()).findings, [])
      await checkContent(db)
      await db.close()
      checkCopies(path)
    }
  })
}

test('both together are too much', unlessSealed(OWN_KEYS), async (t) => {
  const sound = await create(t)
  for (const name of NAMES.slice(0, 3)) {
    const path = `${sound} ${name.codePointAt(4) ?? name}`
    cpSync(sound, path, { recursive: true })
    const file = new DataFile(path)
    damage(file, 'meta', name)
    damage(file, 'log', name)
    file.save()
    await assert.rejects(
      async () => {
        const db = (await open(path, { encryption, mode: 'readOnly' })) as any
        await checkContent(db).finally(() => db.close())
      },
      { code: 'CORRUPT' },
    )
  }
})

for (const tree of ['meta', 'log'] as const) {
  test(`repair needs one of both: without ${tree}`, unlessSealed(OWN_KEYS), async (t) => {
    const path = await create(t)
    const file = new DataFile(path)
    for (const { at } of file.tree(tree)) file.bytes.fill(0xa5, at, at + file.pageSize)
    file.save()
    // What LMDB itself is led by is gone.
    await fails(() => open(path, { encryption, mode: 'readOnly' }), 'CORRUPT')
    const report = await repair(path, `${path} repaired`, { encryption })
    assert.equal(report.ok, false)
    const db = (await open(`${path} repaired`, { encryption, mode: 'open' })) as any
    await checkContent(db)
    assert.deepEqual((await db.verify()).findings, [])
    await db.close()
    checkCopies(`${path} repaired`)
  })
}

test('repair reads what is lost of records from copies', unlessSealed(OWN_KEYS), async (t) => {
  const path = await create(t)
  const file = new DataFile(path)
  for (const name of NAMES) damage(file, 'meta', name)
  file.save()
  await repair(path, `${path} repaired`, { encryption })
  const db = (await open(`${path} repaired`, { encryption, mode: 'open' })) as any
  await checkContent(db)
  assert.deepEqual((await db.verify()).findings, [])
  await db.close()
})

test('what opens the database no more is in no copy', unlessSealed(OWN_KEYS), async (t) => {
  const path = await create(t)
  const next = { key: new Uint8Array(32).fill(3) }
  const db = await open(path, { encryption })
  await db.changePassphrase(encryption, next)
  checkCopies(path)
  await db.rotateKey()
  await db.close()
  checkCopies(path)
  const file = new DataFile(path)
  damage(file, 'meta', 'K')
  file.save()
  await fails(() => open(path, { encryption }), 'WRONG_KEY')
  const again = await open(path, { encryption: next })
  await checkContent(again)
  await again.close()
})

test(
  'backups, compacted files and reencrypted ones have them',
  unlessSealed(OWN_KEYS),
  async (t) => {
    const path = await create(t)
    const db = await open(path, { encryption })
    const other = { key: new Uint8Array(32).fill(3) }
    await db.backup(`${path} compact`)
    await db.backup(`${path} plain`, { compact: false })
    await db.backup(`${path} other`, { encryption: other })
    await db.compact()
    await db.close()
    for (const each of ['', ' compact', ' plain', ' other']) checkCopies(`${path}${each}`)
  },
)

for (const name of ['sealed-1-key', 'sealed-2-key', 'sealed-2-passphrase']) {
  test(`${name}, which has none, gets them`, async (t) => {
    const path = join(await temporaryDirectory(t), 'db')
    cpSync(join(FIXTURES, name), path, { recursive: true })
    assert.equal(recordsOf(new DataFile(path), 'log').size, 0)
    const given = encryptionOf(name)
    const db = (await open(path, { encryption: given, mode: 'open', stores: STORES })) as any
    assert.deepEqual((await db.verify()).findings, [])
    await db.store('values').put('new', 'new')
    assert.deepEqual((await db.verify()).findings, [])
    await db.close()
    checkCopies(path)
  })
}

for (const name of ['sealed-3-key', 'sealed-3-passphrase']) {
  test(`${name} has them`, () => checkCopies(join(FIXTURES, name)))
}

/** As by a version that does not know of copies: epochs and records change, copies stay. */
test('copies that are behind are brought up to date', unlessSealed(OWN_KEYS), async (t) => {
  const path = await create(t)
  const before = new DataFile(path)
  const nodes = recordsOf(before, 'log')
  const old = [...nodes.values()].map(({ data, size }) => before.bytes.subarray(data, data + size))
  const db = await open(path, { encryption })
  const next = { key: new Uint8Array(32).fill(3) }
  // As long as the one before, so that the copy can be put back.
  await db.changePassphrase(encryption, next)
  await db.close()
  const file = new DataFile(path)
  for (const [i, { data }] of [...recordsOf(file, 'log').values()].entries()) {
    old[i]?.copy(file.bytes, data)
  }
  file.save()
  assert.throws(() => checkCopies(path))
  await fails(() => open(path, { encryption }), 'WRONG_KEY')
  const again = (await open(path, { encryption: next })) as any
  assert.deepEqual((await again.verify()).findings, [])
  await again.store('s').put({ id: COUNT })
  await checkContent(again)
  await again.close()
  checkCopies(path)
})

test('a copy from before a rotation opens nothing', unlessSealed(OWN_KEYS), async (t) => {
  const path = await create(t)
  const before = new DataFile(path)
  const { data, size } = recordsOf(before, 'log').get('K')!
  const old = before.bytes.subarray(data, data + size)
  const db = await open(path, { encryption })
  await db.rotateKey()
  await db.close()
  const file = new DataFile(path)
  old.copy(file.bytes, recordsOf(file, 'log').get('K')!.data)
  damage(file, 'meta', 'K')
  file.save()
  await fails(() => open(path, { encryption }), 'CORRUPT')
  // What is left of the record is not replaced.
  const read = (from: DataFile): string => {
    const record = recordsOf(from, 'meta').get('K')!
    return from.bytes.toString('hex', record.data, record.data + record.size)
  }
  assert.equal(read(new DataFile(path)), read(file))
})
