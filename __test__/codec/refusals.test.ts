import assert from 'node:assert/strict'
import { createSecretKey, webcrypto } from 'node:crypto'
import { test } from 'node:test'
import { MessageChannel } from 'node:worker_threads'
import { DocumentDecoder, DocumentEncoder, ShapeTable, WriteBuffer } from '../../lib/codec/index.js'

const shapes = new ShapeTable({ load() {} })

function encode(value: unknown): number {
  return new DocumentEncoder().encode(value, shapes, new WriteBuffer())
}

function detached<T extends ArrayBuffer>(buffer: T): T {
  structuredClone(null, { transfer: [buffer] as never })
  return buffer
}

function refused(cryptoKey: unknown): [string, unknown][] {
  const channel = new MessageChannel()
  channel.port1.close()
  const emptied = new Uint8Array(8)
  detached(emptied.buffer)
  return [
    ['function', () => 1],
    ['class', class {}],
    ['symbol', Symbol('s')],
    ['boxed symbol', Object(Symbol('s'))],
    ['promise', Promise.resolve()],
    ['WeakMap', new WeakMap()],
    ['WeakSet', new WeakSet()],
    ['WeakRef', new WeakRef({})],
    ['generator', (function* () {})()],
    ['iterator', [1][Symbol.iterator]()],
    ['SharedArrayBuffer', new SharedArrayBuffer(8)],
    ['view of a SharedArrayBuffer', new Uint8Array(new SharedArrayBuffer(8))],
    ['MessagePort', channel.port2],
    ['Event', new Event('x')],
    ['AbortSignal', new AbortController().signal],
    ['ReadableStream', new ReadableStream()],
    ['URL', new URL('a:b')],
    ['Headers', new Headers()],
    ['Intl.Collator', new Intl.Collator()],
    ['KeyObject', createSecretKey(new Uint8Array(16))],
    ['CryptoKey', cryptoKey],
    ['proxy of a function', new Proxy(() => 1, {})],
    ['Blob whose bytes were not read', new Blob(['x'])],
    ['detached buffer', detached(new ArrayBuffer(8))],
    ['view of a detached buffer', emptied],
  ]
}

test('what cannot be stored is refused with the path to it', async () => {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' }
  const cryptoKey = await webcrypto.subtle.generateKey(algorithm, true, ['sign'])
  for (const [name, value] of refused(cryptoKey)) {
    for (const [path, document] of [
      ['', value],
      ['a.b[3]', { z: 1, a: { b: [1, 2, 3, value] } }],
      ['a["x y"]', { a: { 'x y': value } }],
      ['m[value 0].f', { m: new Map([[1, { f: value }]]) }],
      ['s[1]', { s: new Set([1, value]) }],
      ['e.cause', { e: new Error('e', { cause: value }) }],
    ] as const) {
      assert.throws(() => encode(document), { code: 'DATA_CLONE', path }, `${name} at ${path}`)
    }
  }
})

test('instances of classes that only look like those of the platform are stored', () => {
  class Link {
    get [Symbol.toStringTag]() {
      return 'URL'
    }
  }
  class Broken {
    get [Symbol.toStringTag](): string {
      throw new Error('not to be asked')
    }
  }
  encode([
    new Link(),
    new Broken(),
    Object.assign(Object.create({ [Symbol.toStringTag]: 'URL' }), {}),
  ])
})

test('a Blob is refused with the way out', () => {
  assert.throws(() => encode({ photo: new Blob(['x']) }), /'photo'.*await blob\.arrayBuffer\(\)/)
})

test('an exception in a getter reaches the caller and leaves the encoder usable', () => {
  const encoder = new DocumentEncoder()
  const writer = new WriteBuffer()
  const failure = new Error('getter')
  const value = {
    a: 1,
    get b() {
      throw failure
    },
  }
  assert.throws(
    () => encoder.encode([{ x: 1 }, value], shapes, writer),
    (error) => error === failure,
  )
  writer.position = 0
  const end = encoder.encode({ ok: [true] }, shapes, writer)
  assert.deepEqual(new DocumentDecoder().decode(writer.buffer, 0, end, shapes), { ok: [true] })
})

test('a getter may encode another document with the same encoder', () => {
  const encoder = new DocumentEncoder()
  const [writer, other] = [new WriteBuffer(), new WriteBuffer()]
  const shared = [1]
  const inner = { shared, again: shared, id: undefined }
  let innerEnd = 0
  let innerAt = 0
  const outer = {
    id: undefined,
    shared,
    get field() {
      innerEnd = encoder.encode(inner, shapes, other, { path: ['id'] })
      innerAt = encoder.injectedAt
      assert.ok(writer.busy)
      assert.throws(() => encoder.encode(1, shapes, writer), { code: 'INVALID_ARGUMENT' })
      return shared
    },
  }
  const end = encoder.encode(outer, shapes, writer, { path: ['id'] })
  writer.view.setFloat64(encoder.injectedAt, 7, true)
  other.view.setFloat64(innerAt, 8, true)
  const decoder = new DocumentDecoder()
  assert.deepEqual(decoder.decode(writer.buffer, 0, end, shapes), {
    id: 7,
    shared: [1],
    field: [1],
  })
  assert.deepEqual(decoder.decode(other.buffer, 0, innerEnd, shapes), {
    shared: [1],
    again: [1],
    id: 8,
  })
  assert.equal(writer.busy, false)
})

test('a proxy of what keeps its content inside is refused, not emptied', () => {
  const targets = [new Map([[1, 2]]), new Set([1]), new Date(0), /x/, new Error('x'), Buffer.of(1)]
  for (const target of targets) {
    assert.throws(() => encode({ a: new Proxy(target, {}) }), { code: 'DATA_CLONE', path: 'a' })
  }
})
