// A rotation that has begun and not ended: what shows of it, and what damage does to it.

import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { open, repair } from '../../index.js'
import { Blocks } from '../support/blocks'
import { temporaryDirectory } from '../support/database'
import { fails } from '../support/errors'
import { DataFile } from '../support/pages'
import { OWN_KEYS, unlessSealed } from '../support/sealed'
import { dataKeysOf } from './blocks'
import { breakLeaf, documentOf, KEY, keyOfSpaces } from './broken-leaf'
import { stopRotation } from './rotation'

const encryption = { key: KEY }
const other = { key: new Uint8Array(32).fill(4) }
const stores = { s: { keyPath: 'id' } } as const

async function fill(path: string, count: number, space?: string): Promise<void> {
  const named = space === undefined ? {} : { space }
  const db = (await open(path, { encryption, stores, durability: 'relaxed', ...named })) as any
  await db.store('s').putMany(Array.from({ length: count }, (_, id) => documentOf(id)))
  await db.close()
}

/** What can be read of a store, key by key. */
async function readable(db: any, count: number): Promise<Set<number>> {
  const found = new Set<number>()
  for (let id = 0; id < count; id++) {
    const document = await db
      .store('s')
      .get(id)
      .catch((error: any) => assert.equal(error.code, 'CORRUPT'))
    if (document === undefined) continue
    assert.deepEqual(document, documentOf(id))
    found.add(id)
  }
  return found
}

test('a rotation that was stopped shows until it ends', async (t) => {
  const path = join(await temporaryDirectory(t), 'db')
  const count = 40_000
  await fill(path, count)
  let db = (await open(path, { encryption })) as any
  assert.equal((await db.stats()).keyRotation, null)
  await stopRotation(db)
  const begun = (await db.stats()).keyRotation
  assert.deepEqual([begun.from, begun.to], [1, 2])
  assert.ok(begun.remaining > begun.blocks * 0.97, JSON.stringify(begun))
  // What is written from now on is of the new key.
  await db.store('s').putMany(Array.from({ length: count / 2 }, (_, id) => documentOf(id)))
  const shown: any[] = []
  shown.push((await db.stats()).keyRotation, (await db.diagnostics()).stats.keyRotation)
  await db.close()
  db = await open(path, { encryption, mode: 'readOnly' })
  shown.push((await db.stats()).keyRotation)
  await db.close()
  for (const rotation of shown) {
    const { from, to, blocks, remaining, estimated } = rotation
    t.diagnostic(JSON.stringify(rotation))
    assert.deepEqual([from, to, estimated], [1, 2, true])
    assert.ok(blocks > 1_024)
    assert.ok(remaining > blocks * 0.3 && remaining < blocks * 0.7, `${remaining} of ${blocks}`)
  }
  db = await open(path, { encryption })
  await db.rotateKey()
  assert.equal((await db.stats()).keyRotation, null)
  assert.equal((await db.diagnostics()).stats.keyRotation, null)
  await db.close()
})

test('a plain database has no rotation', unlessSealed(OWN_KEYS), async (t) => {
  const db = await open(await temporaryDirectory(t))
  assert.equal((await db.stats()).keyRotation, null)
  await db.close()
})

for (const what of ['text', 'epoch'] as const) {
  test(`damage (of the ${what}) keeps the old key, and nothing else`, async (t) => {
    const root = await temporaryDirectory(t)
    const path = join(root, 'db')
    const count = 3_000
    await fill(path, count)
    await fill(path, 300, 'a')
    const lost = new Set(breakLeaf(path, what))
    assert.ok(lost.size > 5)
    const sound = Array.from({ length: count }, (_, id) => id).filter((id) => !lost.has(id))
    let db = (await open(path, { encryption })) as any
    await db.addKey(encryption, other)
    await db.removeKey(encryption)
    assert.deepEqual([...(await readable(db, count))], sound)
    for (let attempt = 0; attempt < 2; attempt++) {
      const error = await fails(() => db.rotateKey(), 'CORRUPT')
      assert.match(error.message, /^1 blocks are damaged.*keep the old data key.*repair/)
      const { blocks, ...rotation } = (await db.stats()).keyRotation
      assert.ok(blocks > 50)
      assert.deepEqual(rotation, { from: 1, to: 2, remaining: 1, estimated: false })
      assert.deepEqual([...(await readable(db, count))], sound)
      await db.store('s').put({ id: count + attempt })
      await db.close()
      db = await open(path, { encryption: other })
    }
    assert.deepEqual([...(await readable(db, count))], sound)
    await db.close()
    // All of the space has a new key each time, and the old one is gone.
    const [directory] = readdirSync(join(path, 'spaces'))
    assert.deepEqual(dataKeysOf(join(path, 'spaces', directory!)), { blocks: [3], epochs: [3] })

    const target = join(root, 'repaired')
    const report = await repair(path, target, { encryption: other })
    assert.equal(report.ok, false)
    db = await open(target, { encryption: other, mode: 'open' })
    assert.deepEqual([...(await readable(db, count))], sound)
    assert.equal((await db.stats()).keyRotation?.remaining, 0)
    await db.rotateKey()
    assert.equal((await db.stats()).keyRotation, null)
    assert.deepEqual([...(await readable(db, count))], sound)
    await db.close()
    assert.deepEqual(dataKeysOf(target), { blocks: [2], epochs: [2] })
  })
}

test('what is damaged in a space does not hold up the others', async (t) => {
  const root = await temporaryDirectory(t)
  const path = join(root, 'db')
  await fill(path, 300)
  const names = ['a', 'b', 'c']
  const directories: Record<string, string> = {}
  for (const name of names) {
    const known = existsSync(join(path, 'spaces')) ? readdirSync(join(path, 'spaces')) : []
    await fill(path, 300, name)
    const all = readdirSync(join(path, 'spaces'))
    directories[name] = join(
      path,
      'spaces',
      all.find((each) => !known.includes(each))!,
    )
  }
  // The one cannot be opened any more, a block of the other one cannot be read.
  const head = new DataFile(directories.a!)
  const sound = Buffer.from(head.bytes)
  head.bytes.fill(0xa5, 0, 2 * head.pageSize)
  head.save()
  assert.ok(breakLeaf(directories.b!, 'text', keyOfSpaces(path)).length > 5)

  const db = (await open(path, { encryption })) as any
  for (let attempt = 0; attempt < 2; attempt++) {
    const error = await fails(() => db.rotateKey(), 'CORRUPT')
    assert.match(error.message, /space a is damaged/)
    assert.match(error.message, /1 blocks of space b are damaged/)
    assert.doesNotMatch(error.message, /space c/)
    assert.equal((await db.stats()).keyRotation, null)
    assert.equal((await db.store('s').getAll()).length, 300)
    const { blocks, epochs } = dataKeysOf(directories.c!)
    assert.deepEqual(blocks, epochs)
    assert.equal(blocks.length, 1)
    const inner = (await open(path, { encryption, space: 'c', mode: 'open' })) as any
    assert.equal((await inner.store('s').getAll()).length, 300)
    await inner.close()
  }
  const { from, to } = await (async () => {
    const inner = await open(path, { encryption, space: 'b', mode: 'open' })
    const { keyRotation } = await inner.stats()
    await inner.close()
    return keyRotation!
  })()
  assert.deepEqual([from, to], [1, 2])
  // When its file is put back, the key that it was made with is still known.
  head.bytes.set(sound)
  head.save()
  const inner = (await open(path, { encryption, space: 'a', mode: 'open' })) as any
  assert.equal((await inner.store('s').getAll()).length, 300)
  await inner.close()
  const error = await fails(() => db.rotateKey(), 'CORRUPT')
  assert.doesNotMatch(error.message, /space a/)
  await db.close()
})

test('what was taken away meanwhile does not know the data key in the end', async (t) => {
  const root = await temporaryDirectory(t)
  const path = join(root, 'db')
  await fill(path, 3_000)
  await fill(path, 300, 'a')
  const db = (await open(path, { encryption })) as any
  await db.addKey(encryption, other)
  await stopRotation(db)
  // Who has the files and a secret at this moment knows both data keys.
  const { dataKeys } = new Blocks(new DataFile(path), KEY)
  assert.deepEqual([...dataKeys.keys()], [1, 2])
  await db.removeKey(encryption)
  await db.rotateKey()
  assert.equal((await db.stats()).keyRotation, null)
  assert.equal(await db.store('s').count(), 3_000)
  await db.close()
  assert.deepEqual(dataKeysOf(path), { blocks: [3], epochs: [3] })
  const again = (await open(path, { encryption: other })) as any
  assert.deepEqual((await again.verify()).findings, [])
  // One that is not interrupted makes one data key, whatever was taken away before.
  await again.changePassphrase(other, encryption)
  await again.rotateKey()
  await again.close()
  assert.deepEqual(dataKeysOf(path), { blocks: [4], epochs: [4] })
})
