import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { KeyRange, open } from '../../index.js'
import { untilCancelled } from '../support/check'
import { temporaryDirectory } from '../support/database'
import { assertCode, fails } from '../support/errors'

const STORES = {
  accounts: { keyPath: 'id', indexes: { byBalance: { on: 'balance' } } },
  filler: { autoIncrement: true, indexes: { byN: { on: 'n', unique: true } } },
} as const

const ACCOUNTS = 20

async function filled(path: string, documents: number): Promise<any> {
  const db = (await open(path, { stores: STORES, durability: 'relaxed' })) as any
  const accounts = Array.from({ length: ACCOUNTS }, (_, id) => ({ id, balance: 100 }))
  await db.store('accounts').putMany(accounts)
  const text = 'some text that takes its room '.repeat(10)
  await db.store('filler').putMany(Array.from({ length: documents }, (_, n) => ({ n, text })))
  return db
}

/** Moves money to and fro until it is told to stop; the sum never changes. */
function transferring(db: any): { stop: () => Promise<number> } {
  const work = { goes: true }
  const run = async (): Promise<number> => {
    let transfers = 0
    for (; work.goes; transfers++) {
      await db.transaction(async (tx: any) => {
        const accounts = tx.store('accounts')
        const ids = [transfers % ACCOUNTS, (transfers * 7 + 3) % ACCOUNTS]
        for (const [i, id] of ids.entries()) {
          const { balance } = await accounts.get(id)
          await accounts.put({ id, balance: balance + (i === 0 ? -1 : 1) })
        }
        await tx.store('filler').add({ n: 1_000_000 + transfers })
      })
    }
    return transfers
  }
  const running = run()
  return {
    async stop() {
      work.goes = false
      return running
    },
  }
}

/** Everything in the copy is of one moment. */
async function assertConsistent(db: any): Promise<void> {
  const accounts = await db.store('accounts').getAll()
  assert.equal(accounts.length, ACCOUNTS)
  const sum = accounts.reduce((total: number, { balance }: any) => total + balance, 0)
  assert.equal(sum, ACCOUNTS * 100)
  const filler = await db.store('filler').getAll()
  assert.equal(await db.store('filler').count(), filler.length)
  const indexed = await db.store('filler').index('byN').getAll()
  assert.equal(indexed.length, filler.length)
  assert.equal(await db.store('accounts').index('byBalance').count(), ACCOUNTS)
}

test('a backup that is made while others write is of one moment', async (t) => {
  const db = await filled(await temporaryDirectory(t), 20_000)
  const directory = await temporaryDirectory(t)
  const transfers = transferring(db)
  const progress: any[] = []
  for (let i = 0; i < 3; i++) {
    await db.backup(join(directory, `${i}`), { onProgress: (state: any) => progress.push(state) })
  }
  assert.ok((await transfers.stop()) > 0)
  for (const { phase, done, total } of progress) {
    assert.equal(phase, 'backup')
    assert.ok(done <= total && total > 0)
  }
  assert.ok(progress.length > 0)
  for (let i = 0; i < 3; i++) {
    const copy = (await open(join(directory, `${i}`), { mode: 'open' })) as any
    await assertConsistent(copy)
    // It is a database like any other.
    const [last] = await copy.store('filler').getAllKeys({ reverse: true, limit: 1 })
    assert.equal(await copy.store('filler').add({ n: -1 }), last + 1)
    await copy.close()
  }
  await assertConsistent(db)
  await db.close()
})

test('what was acknowledged before a backup is in it', async (t) => {
  const db = await filled(await temporaryDirectory(t), 0)
  const target = join(await temporaryDirectory(t), 'copy')
  const last = db.store('filler').put({ n: 'not awaited' }, 77)
  await db.backup(target)
  await last
  const copy = (await open(target, { mode: 'readOnly' })) as any
  assert.deepEqual(await copy.store('filler').get(77), { n: 'not awaited' })
  await copy.close()
  await db.close()
})

test('spaces are copied along, or left out', async (t) => {
  const path = await temporaryDirectory(t)
  const db = await filled(path, 10)
  for (const space of ['one', 'zwei ü/..', '']) {
    if (space === '') continue
    const inner = (await open(path, { space, stores: { s: {} } })) as any
    await inner.store('s').put(space, 1)
    if (space === 'one') await inner.close()
    else t.after(() => inner.close())
  }
  const directory = await temporaryDirectory(t)
  await db.backup(join(directory, 'with'))
  await db.backup(join(directory, 'without'), { spaces: false })
  const whole = (await open(join(directory, 'with'))) as any
  assert.deepEqual((await whole.spaces()).toSorted(), ['one', 'zwei ü/..'])
  for (const space of ['one', 'zwei ü/..']) {
    const inner = (await open(join(directory, 'with'), { space, mode: 'open' })) as any
    assert.equal(await inner.store('s').get(1), space)
    await inner.close()
  }
  await whole.close()
  const bare = (await open(join(directory, 'without'))) as any
  assert.deepEqual(await bare.spaces(), [])
  await assertConsistent(bare)
  await bare.close()
  await db.close()
})

test('a space can be backed up alone', async (t) => {
  const path = await temporaryDirectory(t)
  const space = (await open(path, { space: 'one', stores: { s: {} } })) as any
  await space.store('s').put('kept', 1)
  const target = join(await temporaryDirectory(t), 'copy')
  await space.backup(target)
  const copy = (await open(target, { mode: 'open' })) as any
  assert.equal(await copy.store('s').get(1), 'kept')
  await copy.close()
  await space.close()
})

test('what stands at the target is never touched', async (t) => {
  const path = await temporaryDirectory(t)
  const db = await filled(path, 10)
  const directory = await temporaryDirectory(t)
  const file = join(directory, 'file')
  writeFileSync(file, 'kept')
  const full = join(directory, 'full')
  mkdirSync(full)
  writeFileSync(join(full, 'note'), 'kept')
  for (const target of [file, full, path]) {
    await fails(() => db.backup(target), 'DATABASE_EXISTS')
  }
  assert.deepEqual(readdirSync(full), ['note'])
  await fails(() => db.backup(join(file, 'below')), 'DATABASE_EXISTS', 'IO', 'NOT_A_DATABASE')
  await fails(() => db.backup(''), 'INVALID_ARGUMENT')
  const empty = join(directory, 'empty')
  mkdirSync(empty)
  await db.backup(empty)
  await db.backup(join(directory, 'new', 'and', 'deep'))
  await assertConsistent(db)
  await db.close()
  assert.deepEqual(readdirSync(directory).toSorted(), ['empty', 'file', 'full', 'new'])
})

test('a backup that is cancelled leaves nothing', async (t) => {
  const db = await filled(await temporaryDirectory(t), 60_000)
  const directory = await temporaryDirectory(t)
  const target = join(directory, 'copy')

  const remove = (): void => rmSync(target, { recursive: true, force: true })
  const cancelled = (): Promise<unknown> => {
    const controller = new AbortController()
    const onProgress = (): void => controller.abort(new Error('enough'))
    return db.backup(target, { signal: controller.signal, onProgress })
  }
  const error = await untilCancelled(cancelled, remove)
  assertCode(error, 'ABORTED')
  assert.equal((error.cause as Error).message, 'enough')
  assert.deepEqual(readdirSync(directory), [])
  await fails(() => db.backup(target, { signal: AbortSignal.abort() }), 'ABORTED')

  class Mine extends Error {}
  const throwing = (): void => {
    throw new Mine()
  }
  do {
    // It may have been done before that was thrown.
    remove()
    await assert.rejects(db.backup(target, { onProgress: throwing }), Mine)
  } while (existsSync(target))
  assert.deepEqual(readdirSync(directory), [])

  await db.backup(target)
  const copy = await open(target, { mode: 'readOnly' })
  await assertConsistent(copy)
  await copy.close()
  await db.close()
})

test('a copy of a copy, made from a read-only database', async (t) => {
  const db = await filled(await temporaryDirectory(t), 500)
  const directory = await temporaryDirectory(t)
  await db.backup(join(directory, 'first'))
  await db.close()
  const first = (await open(join(directory, 'first'), { mode: 'readOnly' })) as any
  await first.backup(join(directory, 'second'))
  await first.close()
  const second = (await open(join(directory, 'second'), { mode: 'open' })) as any
  await assertConsistent(second)
  await second.close()
})

test('a database in memory can be backed up', async (t) => {
  const db = await filled(':memory:', 500)
  const target = join(await temporaryDirectory(t), 'copy')
  await db.backup(target)
  await db.close()
  const copy = (await open(target, { mode: 'open' })) as any
  await assertConsistent(copy)
  await copy.close()
})

test('a plain backup has the pages of the database, and is of one moment', async (t) => {
  const path = await temporaryDirectory(t)
  const db = await filled(path, 20_000)
  const space = (await open(path, { space: 'inner', stores: { s: {} } })) as any
  await space.store('s').put('kept', 1)
  await space.close()
  await db.store('filler').delete(KeyRange.bound(1, 5_000))
  const directory = await temporaryDirectory(t)
  const transfers = transferring(db)
  let reported = 0
  for (let i = 0; i < 3; i++) {
    const onProgress = ({ done, total }: any): void => {
      assert.ok(done <= total)
      reported++
    }
    await db.backup(join(directory, `${i}`), { compact: false, onProgress })
  }
  assert.ok((await transfers.stop()) > 0)
  assert.ok(reported > 3)
  for (let i = 0; i < 3; i++) {
    const copy = (await open(join(directory, `${i}`), { mode: 'open' })) as any
    await assertConsistent(copy)
    const report = await copy.verify()
    assert.deepEqual(report.findings, [])
    assert.ok(report.pages.free > 100, 'it keeps the free pages')
    await copy.store('filler').add({ n: -1 })
    assert.equal((await copy.verify()).ok, true)
    assert.deepEqual(await copy.spaces(), ['inner'])
    await copy.close()
  }
  const controller = new AbortController()
  const cancelled = { compact: false, signal: controller.signal }
  const cancelling = db.backup(join(directory, 'cancelled'), cancelled)
  controller.abort()
  await fails(() => cancelling, 'ABORTED')
  assert.deepEqual(readdirSync(directory).toSorted(), ['0', '1', '2'])
  await db.close()
})
