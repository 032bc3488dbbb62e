import assert from 'node:assert/strict'
import { createCipheriv, hkdfSync, randomBytes, scryptSync } from 'node:crypto'
import { inspect } from 'node:util'
import { test } from 'node:test'
import { derivePassphraseKey } from '../../lib/binding'
import { open, seal } from '../../lib/crypto.js'
import { fails } from '../support/errors'

const key = randomBytes(32)
const CIPHERS = ['aes-256-gcm', 'chacha20-poly1305'] as const

test('text and bytes come back as what they were', async () => {
  for (const cipher of CIPHERS) {
    for (const value of ['', 'a text: ü 😀', '\ud83d\ude00'.repeat(1_000)]) {
      const sealed = await seal(value, { key, cipher })
      assert.equal(typeof sealed, 'string')
      assert.match(sealed, /^[A-Za-z0-9+/]+=*$/)
      assert.equal(await open(sealed, { key }), value)
    }
    for (const value of [new Uint8Array(0), randomBytes(5), randomBytes(100_000)]) {
      const sealed = await seal(value, { key, cipher, encoding: 'bytes' })
      assert.ok(Buffer.isBuffer(sealed))
      assert.equal(sealed.length, value.length + 48)
      assert.deepEqual(await open(sealed, { key }), Buffer.from(value))
      assert.deepEqual(await open(new Uint8Array(sealed), { key }), Buffer.from(value))
      assert.deepEqual(await open(sealed.toString('base64'), { key }), Buffer.from(value))
    }
  }
})

test('with a passphrase, however it is composed', async () => {
  const sealed = await seal('value', { passphrase: 'caf\u00e9', associatedData: 'row 1' })
  const options = { associatedData: 'row 1' }
  assert.equal(await open(sealed, { passphrase: 'cafe\u0301', ...options }), 'value')
  await fails(() => open(sealed, { passphrase: 'cafe', ...options }), 'WRONG_KEY')
  await fails(() => open(sealed, { key, ...options }), 'WRONG_KEY')
})

test('the same value never gives the same result', async () => {
  const sealed = new Set<string>()
  for (let i = 0; i < 500; i++) sealed.add(await seal('value', { key }))
  assert.equal(sealed.size, 500)
})

test('another key, other associated data, and any change are one error', async () => {
  const associatedData = 'customer 5'
  const sealed = await seal('value', { key, associatedData, encoding: 'bytes' })
  const messages = new Set<string>()
  const refused = async (value: string | Uint8Array, options: any): Promise<void> => {
    const error = await fails(() => open(value, options), 'WRONG_KEY')
    messages.add(error.message)
    assert.equal(error.cause, undefined)
  }
  await refused(sealed, { key: randomBytes(32), associatedData })
  await refused(sealed, { key, associatedData: 'customer 6' })
  await refused(sealed, { key })
  for (let bit = 0; bit < sealed.length * 8; bit++) {
    const changed = Buffer.from(sealed)
    changed[bit >> 3]! ^= 1 << (bit & 7)
    await refused(changed, { key, associatedData })
  }
  for (let length = 0; length < sealed.length; length++) {
    await refused(sealed.subarray(0, length), { key, associatedData })
  }
  await refused(Buffer.concat([sealed, Buffer.alloc(1)]), { key, associatedData })
  await refused('', { key })
  await refused('not sealed', { key })
  assert.equal(messages.size, 1)
  assert.equal(await open(sealed, { key, associatedData }), 'value')
})

test('the format is what the documentation says', async () => {
  const header = Buffer.concat([
    Buffer.from([1, 1, 1, 2]),
    Buffer.alloc(16, 7),
    Buffer.alloc(12, 9),
  ])
  const make = (own: Uint8Array, head: Buffer): Buffer => {
    const cipher = createCipheriv('aes-256-gcm', own, head.subarray(20, 32))
    cipher.setAAD(Buffer.concat([head, Buffer.from('bound')]))
    return Buffer.concat([head, cipher.update('text'), cipher.final(), cipher.getAuthTag()])
  }
  const own = hkdfSync('sha256', key, header.subarray(4, 20), 'lodestore sealed value', 32)
  const options = { associatedData: Buffer.from('bound') }
  assert.equal(await open(make(new Uint8Array(own), header), { key, ...options }), 'text')
  header[2] = 2
  const parameters = { N: 2 ** 17, r: 8, p: 1, maxmem: 256 << 20 }
  const derived = scryptSync('passphrase', header.subarray(4, 20), 32, parameters)
  const old = make(derived, header)
  assert.equal(await open(old, { passphrase: 'passphrase', ...options }), 'text')
  await fails(() => open(old, { passphrase: 'another', ...options }), 'WRONG_KEY')
})

/** 1 KiB for each of 8 blocks, once: what a test can repeat. */
const CHEAP = { memory: 8, iterations: 1, parallelism: 1 }

test('a passphrase becomes a key by Argon2id', async () => {
  // The vectors of Argon2's reference implementation (src/test.c).
  for (const [memory, passes, lanes, expected] of [
    [256, 2, 1, '9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe'],
    [256, 2, 2, '6d093c501fd5999645e0ea3bf620d7b8be7fd2db59c20d9fff9539da2bf57037'],
    [65_536, 2, 1, '09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7'],
  ] as const) {
    const salt = Buffer.from('somesalt')
    const derived = await derivePassphraseKey('password', salt, memory, passes, lanes)
    assert.equal(derived.toString('hex'), expected)
  }
  const sealed = await seal('text', {
    passphrase: 'passphrase',
    kdf: CHEAP,
    associatedData: 'bound',
    encoding: 'bytes',
  })
  // As the documentation has it, and not as the code.
  const header = sealed.subarray(0, 44)
  assert.deepEqual([...header.subarray(0, 16)], [2, 1, 2, 2, 8, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0])
  const own = await derivePassphraseKey('passphrase', header.subarray(16, 32), 8, 1, 1)
  const cipher = createCipheriv('aes-256-gcm', own, header.subarray(32))
  cipher.setAAD(Buffer.concat([header, Buffer.from('bound')]))
  const expected = [header, cipher.update('text'), cipher.final(), cipher.getAuthTag()]
  assert.deepEqual(sealed, Buffer.concat(expected))
  const byDefault = await seal('x', { passphrase: 'p', encoding: 'bytes' })
  assert.deepEqual(
    [4, 8, 12].map((at) => byDefault.readUInt32LE(at)),
    [65_536, 3, 4],
  )
})

test('no bit of a value that a passphrase sealed may change', async () => {
  const passphrase = 'secret words'
  const options = { passphrase, kdf: CHEAP, encoding: 'bytes' } as const
  for (const cipher of CIPHERS) {
    const sealed = await seal('value', { ...options, cipher })
    assert.equal(await open(sealed, { passphrase }), 'value')
    await fails(() => open(sealed, { passphrase: 'others' }), 'WRONG_KEY')
    await fails(() => open(sealed, { key }), 'WRONG_KEY')
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const changed = Buffer.from(sealed)
      changed[bit >> 3]! ^= 1 << (bit & 7)
      await fails(() => open(changed, { passphrase }), 'WRONG_KEY')
    }
    for (let length = 0; length < sealed.length; length++) {
      await fails(() => open(sealed.subarray(0, length), { passphrase }), 'WRONG_KEY')
    }
  }
})

test('arguments are checked, and no message has a secret', async () => {
  const secret = 'a secret'
  const calls: (() => unknown)[] = [
    () => seal('x', {} as any),
    () => seal('x', undefined as any),
    () => seal('x', { key, passphrase: secret } as any),
    () => seal('x', { key: key.subarray(1) }),
    () => seal('x', { key: secret } as any),
    () => seal('x', { passphrase: '' }),
    () => seal('x', { passphrase: secret, kdf: { memory: 7 } }),
    () => seal('x', { passphrase: secret, kdf: { memory: 8, parallelism: 2 } }),
    () => seal('x', { passphrase: secret, kdf: { memory: 2 ** 21 } }),
    () => seal('x', { passphrase: secret, kdf: { memory: 2 ** 20, iterations: 17 } }),
    () => seal('x', { passphrase: secret, kdf: 5 } as any),
    () => seal('x', { key, cipher: 'rot13' } as any),
    () => seal('x', { key, encoding: 'hex' } as any),
    () => seal('x', { key, associatedData: 5 } as any),
    () => seal({ secret } as any, { key }),
    () => seal('a secret\ud800', { key }),
    () => seal('x', { key, unknown: secret } as any),
    () => open(5 as any, { key }),
    () => open('x', { key, cipher: 'aes-256-gcm' } as any),
  ]
  for (const call of calls) {
    const error = await fails(call, 'INVALID_ARGUMENT')
    assert.doesNotMatch(inspect(error), /a secret/)
  }
})
