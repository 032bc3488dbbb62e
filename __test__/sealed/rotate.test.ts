import assert from 'node:assert/strict'
import { cpSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { open } from '../../index.js'
import type { EncryptionOptions } from '../../index.js'
import { Child } from '../support/child'
import { temporaryDirectory } from '../support/database'
import { fails } from '../support/errors'
import { OWN_KEYS, unlessSealed } from '../support/sealed'
import { dataKeysOf } from './blocks'
import { stopRotation } from './rotation'

const kdf = { memory: 64, iterations: 1, parallelism: 1 }
const encryption: EncryptionOptions = { passphrase: 'one', kdf }
const stores = { s: { keyPath: 'id', indexes: { byText: { on: 'text' } } } } as const
const FIXTURES = join(__dirname, '..', '..', 'tests', 'fixtures')

const textOf = (id: number): string => (id % 100 === 0 ? `${id} `.repeat(5_000) : `document ${id}`)

/** A database of a few hundred blocks, and two spaces. */
async function create(path: string) {
  const db = (await open(path, { encryption, stores, durability: 'relaxed' })) as any
  await db.store('s').putMany(Array.from({ length: 3_000 }, (_, id) => ({ id, text: textOf(id) })))
  for (const space of ['a', 'b']) {
    const inner = (await open(path, { encryption, space, stores })) as any
    await inner
      .store('s')
      .putMany(Array.from({ length: 300 }, (_, id) => ({ id, text: textOf(id) })))
    await inner.close()
  }
  return db
}

async function checkContent(path: string, given: EncryptionOptions): Promise<void> {
  for (const [space, count] of [
    [undefined, 3_000],
    ['a', 300],
    ['b', 300],
  ] as const) {
    const inner = (await open(path, {
      encryption: given,
      mode: 'open',
      ...(space && { space }),
    })) as any
    const documents = await inner.store('s').getAll({ lt: 100_000 })
    assert.equal(documents.length, count)
    for (const { id, text } of documents) assert.equal(text, textOf(id))
    assert.deepEqual((await inner.verify({ spaces: false })).findings, [])
    await inner.close()
  }
}

/** The directories of a database and its spaces. */
const directories = (path: string): string[] => [
  path,
  ...readdirSync(join(path, 'spaces')).map((name) => join(path, 'spaces', name)),
]

test('a new data key takes the place of the old one, in every block', async (t) => {
  const root = await temporaryDirectory(t)
  const path = join(root, 'db')
  const recovery = { key: new Uint8Array(32).fill(3) }
  const db = await create(path)
  await db.addKey('one', recovery)
  await db.backup(join(root, 'before'))
  let [reads, writes] = [0, 0]
  const stop = new AbortController()
  const busy = (async () => {
    while (!stop.signal.aborted) {
      assert.equal((await db.store('s').get(7)).text, textOf(7))
      reads += 1
      await db.store('s').put({ id: 100_000 + writes, text: 'written meanwhile' })
      writes += 1
    }
  })()
  const phases = new Map<string, number>()
  await db.rotateKey({
    onProgress: ({ phase, done, total }: any) => {
      assert.ok(done <= total)
      phases.set(phase, done)
    },
  })
  stop.abort()
  await busy
  assert.deepEqual([...phases.keys()], ['rotate', 'space a', 'space b'])
  assert.ok(phases.get('rotate')! > 300, `${phases.get('rotate')}`)
  assert.ok(reads > 0 && writes > 0)
  t.diagnostic(`${reads} reads, ${writes} writes meanwhile`)
  assert.equal(await db.store('s').count(), 3_000 + writes)
  await db.backup(join(root, 'after'))
  await db.close()

  for (const directory of directories(path)) {
    assert.deepEqual(dataKeysOf(directory), { blocks: [2], epochs: [2] })
  }
  for (const directory of directories(join(root, 'before'))) {
    assert.deepEqual(dataKeysOf(directory).blocks, [1])
  }
  for (const each of ['db', 'before', 'after']) {
    await checkContent(join(root, each), { passphrase: 'one' })
    await checkContent(join(root, each), recovery)
    await fails(() => open(join(root, each), { encryption: { passphrase: 'two' } }), 'WRONG_KEY')
  }
  // And once more, with what opens it changed in between.
  const again = await open(path, { encryption: recovery })
  await again.changePassphrase('one', { passphrase: 'two', kdf })
  await again.rotateKey()
  await again.changePassphrase('two', { passphrase: 'three', kdf })
  await again.close()
  for (const directory of directories(path)) {
    assert.deepEqual(dataKeysOf(directory), { blocks: [3], epochs: [3] })
  }
  await checkContent(path, { passphrase: 'three' })
  await checkContent(path, recovery)
})

test('a rotation that was stopped goes on at the next call', async (t) => {
  const root = await temporaryDirectory(t)
  const path = join(root, 'db')
  const db = await create(path)
  await stopRotation(db)
  await db.store('s').put({ id: 200_000, text: 'written in between' })
  const space = (await open(path, { encryption, space: 'new', stores })) as any
  await space.store('s').put({ id: 1, text: 'written in between' })
  await space.close()
  await db.backup(join(root, 'copy'))
  await db.close()
  for (const each of ['db', 'copy']) {
    const directory = join(root, each)
    assert.deepEqual(dataKeysOf(directory).blocks, [1, 2])
    await checkContent(directory, encryption)
    const stopped = (await open(directory, { encryption })) as any
    assert.equal((await stopped.store('s').get(200_000)).text, 'written in between')
    await stopped.rotateKey()
    await stopped.close()
    for (const inner of directories(directory)) {
      assert.deepEqual(dataKeysOf(inner), { blocks: [2], epochs: [2] })
    }
    await checkContent(directory, encryption)
  }
})

/** A process that has the database open. */
async function neighbour(t: TestContext, path: string, secret: string | number) {
  const child = new Child(join(__dirname, 'neighbour.ts'), [], { quick: true })
  t.after(() => child.kill())
  child.say({ path, secret })
  assert.equal(await child.next(), 'open')
  let written = 0
  return {
    child,
    async write(): Promise<any> {
      child.say({ write: 300_000 + written++ })
      return await child.next()
    },
  }
}

test('other processes go on, and learn of the new key', async (t) => {
  const path = join(await temporaryDirectory(t), 'db')
  const db = await create(path)
  const { child, write } = await neighbour(t, path, 'one')
  assert.deepEqual(await write(), { counts: [1, 1] })
  let asked: Promise<unknown> | undefined
  await db.rotateKey({ onProgress: () => (asked ??= write()) })
  assert.deepEqual(await asked, { counts: [2, 2] })
  assert.deepEqual(await write(), { counts: [3, 3] })
  await db.rotateKey()
  assert.deepEqual(await write(), { counts: [4, 4] })
  assert.equal((await db.store('s').get(300_003)).text, 'from another process 300003')
  child.say('close')
  await child.ended
  await db.close()
  for (const directory of directories(path)) {
    assert.deepEqual(dataKeysOf(directory), { blocks: [3], epochs: [3] })
  }
})

test('who was let in by what was taken away does not get the new key', async (t) => {
  const path = join(await temporaryDirectory(t), 'db')
  const db = await create(path)
  await db.addKey('one', { key: new Uint8Array(32).fill(4) })
  const { write } = await neighbour(t, path, 4)
  await db.removeKey({ key: new Uint8Array(32).fill(4) })
  assert.deepEqual(await write(), { counts: [1, 1] })
  await db.rotateKey()
  assert.deepEqual(await write(), { code: 'WRONG_KEY' })
  await db.close()
})

/** Memory of this process that no file backs, in bytes; null where that cannot be told. */
function ownMemory(): number | null {
  if (process.platform !== 'linux') return null
  const found = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))
  return found === null ? null : Number(found[1]) * 1_024
}

test('a rotation takes little memory', async (t) => {
  const path = join(await temporaryDirectory(t), 'db')
  const db = (await open(path, { encryption, stores: { s: {} }, durability: 'none' })) as any
  const bytes = new Uint8Array(2 << 20).fill(7)
  for (let i = 0; i < 32; i++) await db.store('s').put(bytes, i)
  const before = ownMemory()
  let most = 0
  await db.rotateKey({ onProgress: () => (most = Math.max(most, ownMemory() ?? 0)) })
  await db.close()
  assert.deepEqual(dataKeysOf(path).blocks, [2])
  if (before === null) return
  t.diagnostic(`64 MiB rotated with ${((most - before) / 2 ** 20).toFixed(1)} MiB more memory`)
  assert.ok(most - before < 24 << 20, `${most - before}`)
})

test('a rotation is refused where it cannot be made', unlessSealed(OWN_KEYS), async (t) => {
  const root = await temporaryDirectory(t)
  const plain = await open(join(root, 'plain'))
  await fails(() => plain.rotateKey(), 'NOT_ENCRYPTED')
  await fails(() => plain.rotateKey({ signal: 1 } as never), 'INVALID_ARGUMENT')
  await fails(() => plain.rotateKey('one' as never), 'INVALID_ARGUMENT')
  await plain.close()
  await fails(() => plain.rotateKey(), 'CLOSED')
  const path = join(root, 'db')
  const db = await create(path)
  await db.transaction(() => fails(() => db.rotateKey(), 'INVALID_ARGUMENT'))
  await fails(() => db.rotateKey({ signal: AbortSignal.abort() }), 'ABORTED')
  const space = await open(path, { encryption, space: 'a' })
  await fails(() => space.rotateKey(), 'INVALID_ARGUMENT')
  await space.close()
  await db.close()
  const readOnly = await open(path, { encryption, mode: 'readOnly' })
  await fails(() => readOnly.rotateKey(), 'TX_READ_ONLY')
  await readOnly.close()
  assert.deepEqual(dataKeysOf(path).blocks, [1])
})

test('what an earlier version set has to be set anew first', async (t) => {
  const path = join(await temporaryDirectory(t), 'db')
  cpSync(join(FIXTURES, 'sealed-1-key'), path, { recursive: true })
  const { encryptionOf } = await import('../format/contents')
  const given = encryptionOf('sealed-1-key') as EncryptionOptions & { key: Uint8Array }
  const secret = { key: given.key }
  const db = (await open(path, { encryption: secret })) as any
  const error = await fails(() => db.rotateKey(), 'UNSUPPORTED')
  assert.match(error.message, /changePassphrase/)
  await db.changePassphrase(secret, secret)
  const before = await db.store('people').count()
  await db.rotateKey()
  assert.equal(await db.store('people').count(), before)
  await db.close()
  for (const directory of directories(path)) {
    assert.deepEqual(dataKeysOf(directory), { blocks: [2], epochs: [2] })
  }
  const again = await open(path, { encryption: secret })
  assert.equal((await again.verify()).ok, true)
  await again.close()
})
