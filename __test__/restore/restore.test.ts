import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { open, restore } from '../../index.js'
import { temporaryDirectory } from '../support/database'
import { fails } from '../support/errors'
import { DataFile, type Page } from '../support/pages'
import { PAGES, unlessSealed } from '../support/sealed'

const STORES = { s: { keyPath: 'id', indexes: { byN: { on: 'n' } } } } as const

async function fill(path: string, state: string, space?: string): Promise<void> {
  const options = space === undefined ? {} : { space }
  const db = (await open(path, { ...options, stores: STORES, durability: 'relaxed' })) as any
  await db.store('s').putMany(Array.from({ length: 500 }, (_, id) => ({ id, n: id % 7, state })))
  await db.close()
}

const leafOf = (file: DataFile, tree: 'docs' | 'index'): Page =>
  file.tree(tree).find(({ isLeaf }) => isLeaf)!

/** The state of a database, and of its spaces by name. */
async function stateOf(path: string): Promise<Record<string, string>> {
  const db = (await open(path)) as any
  const states: Record<string, string> = {}
  for (const space of ['', ...(await db.spaces())]) {
    const inner = space === '' ? db : ((await open(path, { space, mode: 'open' })) as any)
    const found = new Set((await inner.store('s').getAll()).map(({ state }: any) => state))
    assert.equal(found.size, 1)
    assert.equal(await inner.store('s').count(), 500)
    states[space] = [...found][0] as string
    if (space !== '') await inner.close()
  }
  assert.deepEqual((await db.verify()).findings, [])
  await db.close()
  return states
}

/** A database that has moved on since its backup. */
async function backedUp(t: TestContext): Promise<{ path: string; backup: string }> {
  const path = await temporaryDirectory(t)
  const backup = join(await temporaryDirectory(t), 'backup')
  await fill(path, 'old')
  for (const space of ['kept', 'dropped']) await fill(path, 'old', space)
  const db = await open(path)
  await db.backup(backup)
  await db.deleteSpace('dropped')
  await db.close()
  await fill(path, 'new')
  await fill(path, 'new', 'kept')
  await fill(path, 'new', 'added')
  return { path, backup }
}

test('a backup takes the place of a database, with its spaces', async (t) => {
  const { path, backup } = await backedUp(t)
  const phases = new Set<string>()
  const report = await restore(backup, path, { onProgress: ({ phase }) => phases.add(phase) })
  assert.equal(report.ok, true)
  assert.equal(report.documents, 1500)
  assert.deepEqual(await stateOf(path), { '': 'old', kept: 'old', dropped: 'old' })
  // The backup can be restored again, and what was in the way is gone.
  assert.deepEqual(await stateOf(backup), { '': 'old', kept: 'old', dropped: 'old' })
  assert.equal(readdirSync(join(path, 'spaces')).length, 2)
  assert.deepEqual(
    readdirSync(path).filter((name) => name.startsWith('restore-')),
    [],
  )
  assert.ok(phases.has('copy') && phases.has('documents') && phases.has('pages'))
})

test('a backup is restored where there is nothing, or an empty directory', async (t) => {
  const { backup } = await backedUp(t)
  const directory = await temporaryDirectory(t)
  mkdirSync(join(directory, 'empty'))
  for (const name of ['new', 'empty']) {
    await restore(backup, join(directory, name))
    assert.equal((await stateOf(join(directory, name)))['kept'], 'old')
  }
  assert.deepEqual(readdirSync(directory).toSorted(), ['empty', 'new'])
})

test('a damaged backup is refused before anything is replaced', unlessSealed(PAGES), async (t) => {
  const { path, backup } = await backedUp(t)
  const before = readdirSync(path).toSorted()
  const bytes = readFileSync(join(path, 'data.mdb'))
  const damages: ((file: DataFile) => void)[] = [
    (file) => (file.bytes[leafOf(file, 'docs').nodes[0]!.data + 4]! ^= 1),
    (file) => (file.bytes[leafOf(file, 'index').nodes[0]!.data] = 1),
    (file) => (file.bytes[leafOf(file, 'docs').at + 10] = 9),
  ]
  const sound = readFileSync(join(backup, 'data.mdb'))
  for (const damage of damages) {
    writeFileSync(join(backup, 'data.mdb'), sound)
    const file = new DataFile(backup)
    damage(file)
    file.save()
    const error = await fails(() => restore(backup, path), 'CORRUPT')
    assert.doesNotMatch(error.message, /old/)
    assert.deepEqual(readdirSync(path).toSorted(), before)
    assert.deepEqual(readFileSync(join(path, 'data.mdb')), bytes)
  }
  // Damage in a space counts as well.
  writeFileSync(join(backup, 'data.mdb'), sound)
  const [space] = readdirSync(join(backup, 'spaces'))
  const file = new DataFile(join(backup, 'spaces', space!))
  file.bytes[leafOf(file, 'docs').nodes[0]!.data + 4]! ^= 1
  file.save()
  await fails(() => restore(backup, path), 'CORRUPT')
  assert.deepEqual(await stateOf(path), { '': 'new', kept: 'new', added: 'new' })
})

test('a damaged database can be restored', async (t) => {
  const { path, backup } = await backedUp(t)
  writeFileSync(join(path, 'data.mdb'), 'nothing of a database')
  await fails(() => open(path), 'NOT_A_DATABASE', 'CORRUPT')
  await restore(backup, path)
  assert.equal((await stateOf(path))[''], 'old')
})

test('the marker of unsynced writes goes with what it is about', async (t) => {
  const { path, backup } = await backedUp(t)
  writeFileSync(join(path, 'lodestore.lock'), 'another boot')
  await restore(backup, path)
  assert.equal(readFileSync(join(path, 'lodestore.lock'), 'utf8'), '')
})

test('what is in use or is none is refused, and nothing is left', async (t) => {
  const { path, backup } = await backedUp(t)
  const db = await open(path)
  await fails(() => restore(backup, path), 'BUSY')
  await db.close()
  const space = await open(path, { space: 'kept' })
  await fails(() => restore(backup, path), 'BUSY')
  await space.close()
  await fails(() => restore(path, path), 'INVALID_ARGUMENT')
  await fails(() => restore(join(path, 'nowhere'), path), 'DATABASE_NOT_FOUND')
  await fails(() => restore(backup, ':memory:'), 'INVALID_ARGUMENT')
  const other = await temporaryDirectory(t)
  writeFileSync(join(other, 'note'), 'kept')
  await fails(() => restore(backup, other), 'DATABASE_EXISTS')
  assert.deepEqual(readdirSync(other), ['note'])
  const controller = new AbortController()
  const restoring = restore(backup, path, { signal: controller.signal })
  controller.abort()
  await fails(() => restoring, 'ABORTED')
  assert.deepEqual(await stateOf(path), { '': 'new', kept: 'new', added: 'new' })
  // A backup that is open can be restored: it is only read.
  const opened = await open(backup, { mode: 'readOnly' })
  await restore(backup, path)
  await opened.close()
  assert.equal((await stateOf(path))[''], 'old')
})
