import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { test } from 'node:test'
import { files, open, redact } from '../../index.js'
import { temporaryDirectory } from '../support/database'
import { fails } from '../support/errors'

test('files lists what belongs to a database, its spaces included', async (t) => {
  const path = await temporaryDirectory(t)
  await fails(() => files(path), 'DATABASE_NOT_FOUND')
  await fails(() => files(':memory:'), 'INVALID_ARGUMENT')
  if (process.platform !== 'win32') {
    symlinkSync('loop', join(path, 'loop'))
    await fails(() => files(join(path, 'loop')), 'IO')
  }
  const db = await open(path)
  const space = await open(path, { space: 's' })
  // The journal begins with the second commit.
  for (const name of ['first', 'second']) await db.createObjectStore(name)
  writeFileSync(join(path, 'mine.txt'), 'not of the database')
  const left = join(path, `compact-${'0'.repeat(32)}`)
  const [name] = readdirSync(join(path, 'spaces'))
  mkdirSync(left)
  writeFileSync(join(left, 'data.mdb'), 'half')
  const found = await files(path)
  assert.deepEqual(
    found.map((file) => [relative(path, file.path).replaceAll('\\', '/'), file.role]),
    [
      [`compact-${'0'.repeat(32)}/data.mdb`, 'leftover'],
      ['data.journal', 'data'],
      ['data.mdb', 'data'],
      ['lock.mdb', 'lock'],
      ['lodestore.lock', 'lock'],
      [`spaces/${name}/data.mdb`, 'data'],
      [`spaces/${name}/lock.mdb`, 'lock'],
      [`spaces/${name}/lodestore.lock`, 'lock'],
    ],
  )
  const { fileSize } = await db.stats()
  assert.equal(found.find(({ path: file }) => file === join(path, 'data.mdb'))!.size, fileSize)
  await Promise.all([space.close(), db.close()])
})

test('redact leaves no secrets in options', () => {
  const secret = 'hunter2'
  const options = {
    mode: 'open',
    encryption: { passphrase: secret, cipher: 'aes-256-gcm', kdf: { memory: 5 }, other: secret },
    key: new Uint8Array([1, 2, 3]),
    nested: [{ password: secret, apiKey: secret, token: secret, fine: 5 }],
    recoveryKey: secret,
    passphrases: [secret],
    stores: { users: { keyPath: 'id', key: 'uuidv7' } },
    onIntegrityError: () => secret,
    bytes: Buffer.from(secret),
    at: new Date(5),
  }
  const redacted = redact(options) as any
  assert.doesNotMatch(JSON.stringify(redacted), /hunter2/)
  assert.deepEqual(redacted, {
    mode: 'open',
    encryption: {
      passphrase: '[redacted]',
      cipher: 'aes-256-gcm',
      kdf: { memory: 5 },
      other: '[redacted]',
    },
    key: '[redacted]',
    nested: [{ password: '[redacted]', apiKey: '[redacted]', token: '[redacted]', fine: 5 }],
    recoveryKey: '[redacted]',
    passphrases: '[redacted]',
    stores: { users: { keyPath: 'id', key: 'uuidv7' } },
    onIntegrityError: '[function]',
    bytes: '[7 bytes]',
    at: new Date(5),
  })
  assert.equal(options.encryption.passphrase, secret)
  assert.deepEqual(redact({ encryption: secret }), { encryption: '[redacted]' })
  assert.equal(redact(undefined), undefined)
  const cycle: any = { a: 1 }
  cycle.self = cycle
  assert.deepEqual(redact(cycle), { a: 1, self: '[circular]' })
})

test('a summary for bug reports has figures, and nothing that tells what is stored', async (t) => {
  const path = await temporaryDirectory(t)
  const stores = {
    customers: {
      keyPath: 'account.number',
      indexes: { bySalary: { on: ['salary', '-name'], unique: true } },
      vectors: { alike: { on: 'likes.vector', dimensions: 3 } },
    },
    notes: { autoIncrement: true },
  } as const
  const db = (await open(path, { stores, durability: 'relaxed' })) as any
  await db.store('customers').put({ account: { number: 'secret-1' }, salary: 5, name: 'x' })
  const summary = await db.diagnostics()
  const text = JSON.stringify(summary)
  for (const word of [
    'customers',
    'account',
    'salary',
    'bySalary',
    'alike',
    'likes',
    'notes',
    'secret',
    path,
  ]) {
    assert.ok(!text.includes(word), word)
  }
  assert.equal(summary.durability, 'relaxed')
  assert.equal(summary.mode, 'openOrCreate')
  assert.equal(summary.node, process.version)
  assert.ok(summary.stats.pages > 0)
  const [customers, notes] = summary.stores
  assert.deepEqual(customers, {
    name: 'store 1',
    keyPath: 'field.field',
    autoIncrement: false,
    key: null,
    compression: 'none',
    documents: 1,
    indexes: [
      {
        name: 'index 1',
        on: ['field', 'field'],
        unique: true,
        multiEntry: false,
        sparse: false,
        partial: false,
        collation: null,
        state: 'ready',
      },
    ],
    vectors: [
      {
        name: 'vector index 1',
        on: 'field.field',
        dimensions: 3,
        metric: 'cosine',
        precision: 'bf16',
        m: 16,
        efConstruction: 128,
        efSearch: null,
        memoryLimit: 2 ** 31,
        state: 'ready',
      },
    ],
  })
  assert.equal(notes.keyPath, null)
  const named = await db.diagnostics({ names: true })
  assert.equal(named.stores[0].name, 'customers')
  assert.deepEqual(named.stores[0].indexes[0].on, ['salary', '-name'])
  assert.equal(named.stores[0].vectors[0].on, 'likes.vector')
  await fails(() => db.diagnostics({ name: true }), 'INVALID_ARGUMENT')
  await db.close()
})
