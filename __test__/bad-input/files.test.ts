import assert from 'node:assert/strict'
import {
  chmodSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { open } from '../../index.js'
import { temporaryDirectory } from '../support/database'
import { fails } from '../support/errors'
import { Random, seed } from '../support/random'
import { PAGES, unlessSealed } from '../support/sealed'

const MODES = ['openOrCreate', 'create', 'open', 'readOnly'] as const

/** A directory that holds a file by this name. */
function directoryWith(parent: string, name: string, content: Uint8Array | string): string {
  const directory = join(parent, `${name} ${readdirSync(parent).length}`)
  mkdirSync(directory)
  writeFileSync(join(directory, name), content)
  return directory
}

test('what is not there is not found, and nothing is created', async (t) => {
  const directory = await temporaryDirectory(t)
  for (const mode of ['open', 'readOnly'] as const) {
    const path = join(directory, 'missing', 'too')
    const error = await fails(() => open(path, { mode }), 'DATABASE_NOT_FOUND')
    assert.equal(error.path, path)
    await fails(() => open(directory, { mode }), 'DATABASE_NOT_FOUND')
  }
  assert.deepEqual(readdirSync(directory), [])
})

test('a file where the directory should be is refused', async (t) => {
  const directory = await temporaryDirectory(t)
  const path = join(directory, 'file')
  writeFileSync(path, 'kept')
  for (const mode of MODES) {
    const error = await fails(() => open(path, { mode }), 'NOT_A_DATABASE')
    assert.equal(error.path, path)
    const codes = ['NOT_A_DATABASE', 'DATABASE_NOT_FOUND', 'IO']
    await fails(() => open(join(path, 'below'), { mode }), ...codes)
  }
  assert.equal(readFileSync(path, 'utf8'), 'kept')
})

test('data files of others are refused, and left as they are', async (t) => {
  const directory = await temporaryDirectory(t)
  const random = new Random(seed)
  const noise = Buffer.from(random.list(50_000, () => random.below(256)))
  const contents = [
    'x',
    'just some text\n'.repeat(1000),
    Buffer.alloc(4096),
    Buffer.alloc(1 << 20),
    noise,
    noise.subarray(0, 100),
    Buffer.from('SQLite format 3\0'.padEnd(8192, '\0')),
  ]
  for (const content of contents) {
    const path = directoryWith(directory, 'data.mdb', content)
    for (const mode of MODES) {
      await fails(
        () => open(path, { mode }),
        ...(mode === 'create' ? ['DATABASE_EXISTS'] : ['NOT_A_DATABASE', 'CORRUPT']),
      )
    }
    assert.deepEqual(readFileSync(join(path, 'data.mdb')), Buffer.from(content))
  }
})

test('a data file that is no file is refused', async (t) => {
  const directory = await temporaryDirectory(t)
  mkdirSync(join(directory, 'data.mdb'))
  await fails(() => open(directory), 'NOT_A_DATABASE', 'PERMISSION', 'IO')
})

test('a link into nowhere is no database', async (t) => {
  const directory = await temporaryDirectory(t)
  const path = join(directory, 'link')
  symlinkSync(join(directory, 'nowhere'), path, 'junction')
  await fails(() => open(path, { mode: 'open' }), 'DATABASE_NOT_FOUND')
})

test('the same database by another path is the same', async (t) => {
  const directory = await temporaryDirectory(t)
  const path = join(directory, 'link')
  symlinkSync(directory, path, 'junction')
  const db = await open(directory, { stores: { s: {} } })
  const other = await open(path)
  await db.store('s').put({ here: true }, 1)
  assert.deepEqual(await other.store('s').get(1), { here: true })
  await Promise.all([db.close(), other.close()])
})

const noPermissions =
  process.platform === 'win32'
    ? 'Windows has no permission bits'
    : process.getuid?.() === 0 && 'root may read all'

test('files that may not be read are PERMISSION', { skip: noPermissions }, async (t) => {
  const directory = await temporaryDirectory(t)
  await (await open(directory)).close()
  chmodSync(join(directory, 'data.mdb'), 0)
  await fails(() => open(directory), 'PERMISSION')
  await fails(() => open(directory, { mode: 'readOnly' }), 'PERMISSION')
  const closed = join(directory, 'closed')
  mkdirSync(closed, { mode: 0o500 })
  await fails(() => open(closed), 'PERMISSION')
})

test('without its lock files a database opens', async (t) => {
  const directory = await temporaryDirectory(t)
  const db = await open(directory, { stores: { s: {} } })
  await db.store('s').put('kept', 1)
  await db.close()
  for (const name of readdirSync(directory)) {
    if (name !== 'data.mdb') rmSync(join(directory, name), { recursive: true })
  }
  const again = await open(directory, { mode: 'open' })
  assert.equal(await again.store('s').get(1), 'kept')
  await again.close()
})

test('a damaged reader table is made anew', async (t) => {
  const directory = await temporaryDirectory(t)
  const db = await open(directory, { stores: { s: {} } })
  await db.store('s').put('kept', 1)
  await db.close()
  const random = new Random(seed)
  for (const length of [1, 100, 8192, 200_000]) {
    const noise = Buffer.from(random.list(length, () => random.below(256)))
    writeFileSync(join(directory, 'lock.mdb'), noise)
    const again = await open(directory)
    assert.equal(await again.store('s').get(1), 'kept')
    await again.store('s').put('kept', 1)
    await again.close()
  }
})

test(
  'a document whose bytes were changed is CORRUPT, and the others are not',
  unlessSealed(PAGES),
  async (t) => {
    const directory = await temporaryDirectory(t)
    const db = await open(directory, { stores: { s: { keyPath: 'id' } } })
    const documents = Array.from({ length: 100 }, (_, id) => ({ id, mark: `mark of ${id}!` }))
    await db.store('s').putMany(documents)
    await db.close()
    const file = join(directory, 'data.mdb')
    const bytes = readFileSync(file)
    let changed = 0
    // Pages that are free now may still hold an older copy.
    for (
      let at = bytes.indexOf('mark of 50!');
      at >= 0;
      at = bytes.indexOf('mark of 50!', at + 1)
    ) {
      bytes[at]! ^= 0x20
      changed++
    }
    assert.ok(changed > 0)
    writeFileSync(file, bytes)
    const again = await open(directory)
    const store = again.store('s')
    const error = await fails(() => store.get(50), 'CORRUPT')
    assert.equal(error.store, 's')
    assert.equal(error.key, 50)
    assert.throws(() => store.getSync(50), { code: 'CORRUPT' })
    await fails(() => store.getAll(), 'CORRUPT')
    await fails(() => store.getMany([1, 50]), 'CORRUPT')
    assert.deepEqual(await store.get(49), documents[49])
    assert.equal((await store.getAll({ gt: 50 })).length, 49)
    await again.close()
  },
)
