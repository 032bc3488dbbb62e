import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { closeSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { configure, indexedDB } from 'lodestore/indexeddb'
import { LodestoreError, open } from '../../index.js'
import { completed, openDatabase, resultOf } from '../indexeddb/requests'
import { runChild } from '../support/child'
import { temporaryDirectory } from '../support/database'
import { assertCode, fails } from '../support/errors'
import { mountMemory, noMounts } from '../support/mount'
import { fillUntilFull } from './fill'

/** Everything acknowledged is there, all that is there was written, and indexes are right. */
async function check(db: any, acknowledged: Set<number>): Promise<void> {
  const documents = await db.store('s').getAll()
  const there = new Set<number>(documents.map(({ id }: { id: number }) => id))
  for (const id of acknowledged) assert.ok(there.has(id), `${id} is lost`)
  assert.equal(await db.store('s').count(), documents.length)
  assert.equal((await db.store('s').index('byN').getAll()).length, documents.length)
}

test('a full disk', { skip: noMounts() }, async (t) => {
  const directory = mountMemory(t, '6m')
  const path = join(directory, 'db')
  const reserve = join(directory, 'reserve')
  writeFileSync(reserve, randomBytes(1 << 20))
  const stores = { s: { keyPath: 'id', indexes: { byN: { on: 'n' } } } }
  const db = await open(path, { stores })
  const { acknowledged, error } = await fillUntilFull(db, 0)

  await t.test('is DISK_FULL, which may pass', () => {
    assertCode(error, 'DISK_FULL')
    assert.equal(error.retryable, true)
    assert.ok(acknowledged.size > 100)
  })

  await t.test('does no harm to what was written', async () => {
    await check(db, acknowledged)
    const [id] = acknowledged
    assert.equal((await db.store('s').get(id!)).id, id)
  })

  await t.test('fails transactions and long work with the same code', async () => {
    const large = 'x'.repeat(8 << 20)
    await fails(() => db.transaction((tx) => tx.store('s').put({ id: -1, large })), 'DISK_FULL')
    await fails(() => db.backup(join(directory, 'copy')), 'DISK_FULL')
    await fails(() => open(path, { space: 'new' }), 'DISK_FULL')
    assert.equal(await db.store('s').has(-1), false)
    await check(db, acknowledged)
  })

  await t.test('and the database goes on when there is room again', async () => {
    rmSync(reserve)
    await db.store('s').put({ id: 1_000_000, n: 0 })
    acknowledged.add(1_000_000)
    await check(db, acknowledged)
    await db.close()
    const again = await open(path)
    await check(again, acknowledged)
    await again.close()
  })
})

const noLimits = process.platform === 'win32' && 'Windows has no such limit'

test('a limit on the size of files', { skip: noLimits }, async (t) => {
  const path = await temporaryDirectory(t)
  // In blocks of 512 or 1,024 bytes, as the shell has it.
  const wrapper = ['sh', '-c', 'ulimit -f 4096; exec "$@"', 'sh']
  // The limit would end Deno when it writes to its own caches, which are larger: where there is no
  // place for them, it keeps them in memory.
  const env = { DENO_DIR: '/dev/null/none' }
  const child = await runChild(join(__dirname, 'fill.ts'), [path], { wrapper, env })
  const [said] = child.said
  assert.ok(said !== undefined, `the process ended: ${child.signal ?? child.code} ${child.stderr}`)
  assert.equal(said.code, 'DISK_FULL')
  assert.equal(child.code, 0, child.stderr)
  const db = await open(path)
  await check(db, new Set(said.acknowledged))
  await db.store('s').put({ id: -1, n: 1 })
  await db.close()
})

test('without room for a database, open says so', { skip: noMounts() }, async (t) => {
  const directory = mountMemory(t, '64k')
  writeFileSync(join(directory, 'file'), randomBytes(40 << 10))
  try {
    await open(join(directory, 'db'), { stores: { s: {} } })
    assert.fail('there was room')
  } catch (error) {
    assert.ok(error instanceof LodestoreError, String(error))
    assertCode(error, 'DISK_FULL')
  }
  rmSync(join(directory, 'file'))
  await (
    await open(join(directory, 'small'), { stores: { s: {} } }).catch(() => undefined)
  )?.close()
})

/** Writes a file until nothing more fits on the disk. */
function fillFile(path: string): void {
  const file = openSync(path, 'w')
  try {
    for (;;) writeSync(file, Buffer.alloc(1024))
  } catch (error: any) {
    assert.equal(error.code, 'ENOSPC')
  } finally {
    closeSync(file)
  }
}

test('databases can be deleted on a full disk', { skip: noMounts() }, async (t) => {
  const directory = mountMemory(t, '6m')
  const path = join(directory, 'db')
  const root = await open(path)
  const space = await open(path, { space: 'space', stores: { s: { keyPath: 'id' } } })
  await fillUntilFull(space, 0)
  await space.close()
  fillFile(join(directory, 'rest'))

  await root.deleteSpace('space')
  assert.deepEqual(await root.spaces(), [])
  await root.close()
})

test('so can those of IndexedDB', { skip: noMounts() }, async (t) => {
  const directory = mountMemory(t, '6m')
  configure({ path: join(directory, 'db') })
  const db = await openDatabase('full', 1, (made) => made.createObjectStore('s'))
  await assert.rejects(
    async () => {
      for (let key = 0; ; key++) {
        const tx = db.transaction('s', 'readwrite')
        tx.objectStore('s').put(randomBytes(10_000), key)
        await completed(tx)
      }
    },
    { name: 'QuotaExceededError' },
  )
  db.close()
  fillFile(join(directory, 'rest'))

  await resultOf(indexedDB.deleteDatabase('full'))
  assert.deepEqual(await indexedDB.databases(), [])
  const again = await openDatabase('full', 1, (made) => made.createObjectStore('s'))
  again.close()
})
