import assert from 'node:assert/strict'
import { copyFileSync, mkdirSync, readFileSync, readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { open } from '../../index.js'
import { temporaryDirectory } from '../support/database'
import { runtime } from '../support/runtime'

const MARKER = 'xyzzy'
const encryption = { key: new Uint8Array(32).fill(9) }
const anew = new Uint8Array(32).fill(11)

/** The files at and under a directory. */
function files(path: string): string[] {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}

test('no file shows a name, a key or a value', async (t) => {
  const root = await temporaryDirectory(t)
  const path = join(root, 'db')
  const name = (what: string) => `${MARKER}-${what}`
  const db = await open(path, {
    encryption,
    stores: {
      [name('store')]: { indexes: { [name('index')]: { on: name('field') } } },
      [name('other')]: {},
    },
  })
  const store = db.store(name('store'))
  const text = (size: number) => MARKER.repeat(Math.ceil(size / MARKER.length)).slice(0, size)
  for (const size of [10, 200, 3_000, 50_000, 2_000_000]) {
    await store.put({ [name('field')]: text(size), [name('more')]: size }, size)
  }
  for (let i = 0; i < 2_000; i++) {
    void store.put({ [name('field')]: `${MARKER}${i % 7}`, i }, `${MARKER}:${i}`)
  }
  // Keys that are too long for a page.
  for (let i = 0; i < 5; i++) await store.put({ i }, text(3_000 + i))
  const deleted = []
  for (let i = 0; i < 2_000; i += 2) deleted.push(store.delete(`${MARKER}:${i}`))
  await Promise.all(deleted)
  await assert.rejects(
    db.transaction(async (tx) => {
      await tx.store(name('store')).put({ [name('field')]: text(9_000) }, 'aborted')
      await tx.savepoint((nested) => nested.store(name('store')).put(text(100), 'nested'))
      throw new Error('on purpose')
    }),
    /on purpose/,
  )
  const space = await open(path, { encryption, space: name('space'), stores: { [name('s')]: {} } })
  await space.store(name('s')).put(text(500), 1)
  await space.close()
  await db.backup(join(root, 'copy'))
  await db.backup(join(root, 'pages'), { compact: false })
  await db.backup(join(root, 'anew'), { encryption: { key: anew } })
  await db.compact()
  await store.put({ [name('field')]: text(600) }, 'after')
  await db.rotateKey()
  // With nothing read in between they are acknowledged before they are committed, if time allows.
  for (let i = 0; i < 50; i++) await store.put({ [name('field')]: text(i) }, `${MARKER}>${i}`)
  // As a process leaves it that is killed.
  mkdirSync(join(root, 'open'))
  for (const file of ['data.mdb', 'data.journal']) {
    copyFileSync(join(path, file), join(root, 'open', file))
  }
  await db.close()

  const found = files(root)
  assert.equal(found.filter((file) => file.endsWith('data.mdb')).length, 9, found.join(' '))
  assert.ok(readFileSync(join(root, 'open', 'data.journal')).includes('LodeJrn'))
  const utf16 = Buffer.from(MARKER, 'utf16le')
  for (const file of found) {
    const bytes = readFileSync(file)
    assert.equal(bytes.includes(MARKER), false, file)
    assert.equal(bytes.includes(utf16), false, file)
    for (const key of [encryption.key, anew]) {
      assert.equal(bytes.includes(Buffer.from(key)), false, file)
    }
  }
  for (const [from, count] of [
    [path, 1_061],
    [join(root, 'open'), 1_061],
    [join(root, 'copy'), 1_010],
    [join(root, 'pages'), 1_010],
    [join(root, 'anew'), 1_010],
  ] as const) {
    const unlocking = from.endsWith('anew') ? { key: anew } : encryption
    const again = await open(from, { encryption: unlocking, mode: 'readOnly' })
    assert.equal(await again.store(name('store')).count(), count)
    await again.close()
  }
})

/** What this process has open that has no name any more. */
function nameless(): Buffer[] {
  const found = []
  for (const descriptor of readdirSync('/proc/self/fd')) {
    const path = `/proc/self/fd/${descriptor}`
    try {
      if (readlinkSync(path).endsWith(' (deleted)')) found.push(readFileSync(path))
    } catch {
      // The one that listed them is closed by now; pipes cannot be read.
    }
  }
  return found
}

const isSeen = process.platform === 'linux' && runtime === 'node'

test('nor does the file of a sort', { skip: !isSeen && 'it is found in /proc' }, async (t) => {
  const path = await temporaryDirectory(t)
  const stores = { s: { keyPath: 'id' } } as const
  const db = (await open(path, { encryption, stores, durability: 'none' })) as any
  const text = MARKER.repeat(17_000)
  // More than a sort has memory for, which is 64 MiB.
  const documents = Array.from({ length: 900 }, (_, id) => ({ id, text: `${text}${id % 37}` }))
  await db.store('s').putMany(documents)
  const sorted = db.store('s').find().sort('text')[Symbol.asyncIterator]()
  await sorted.next()
  const spilled = nameless().filter((bytes) => bytes.length > 32 << 20)
  assert.equal(spilled.length, 1, `${spilled.length} files`)
  assert.equal(spilled[0]!.includes(MARKER), false)
  await sorted.return()
  await db.close()
})

test('what is stored looks random, and its sizes do not show', async (t) => {
  const path = await temporaryDirectory(t)
  const db = await open(path, { encryption, stores: { s: {} } })
  for (let i = 0; i < 4_000; i++) void db.store('s').put({ text: 'a'.repeat(i % 1_500) }, i)
  await db.close()
  const bytes = readFileSync(join(path, 'data.mdb'))
  // Each page by itself: a header of LMDB's, and a block; or a page of block ids.
  const PAGE = 4_096
  let blocks = 0
  for (let at = 0; at + PAGE <= bytes.length; at += PAGE) {
    const isOverflow = (bytes.readUInt16LE(at + 10) & 0x04) !== 0
    if (!isOverflow) continue
    assert.equal(bytes.readUInt32LE(at + 12), 1, 'every block takes one page')
    const counts = new Uint32Array(256)
    const content = bytes.subarray(at + 16 + 16, at + PAGE)
    for (const byte of content) counts[byte]!++
    const expected = content.length / 256
    const chi = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
    // 255 degrees of freedom: 255 ± 22.6; beyond 450 is eight standard deviations.
    assert.ok(chi < 450, `page ${at / PAGE}: ${chi}`)
    blocks++
  }
  assert.ok(blocks > 500, `${blocks} blocks`)
})
