import assert from 'node:assert/strict'
import { createReadStream } from 'node:fs'
import { readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { test } from 'node:test'
import { createGunzip, createGzip } from 'node:zlib'
import { RandomDocuments, randomSource, seed } from '../codec/random'
import { assertSame } from '../codec/same'
import { rejects, temporaryDatabase, temporaryDirectory } from '../support/database'

/** What a stream is given. */
class Sink extends Writable {
  text = ''

  override _write(piece: Buffer, _encoding: string, done: () => void): void {
    this.text += piece.toString()
    setImmediate(done)
  }
}

const textOf = async (db: any, options: object): Promise<string> => {
  const sink = new Sink()
  await db.exportTo(sink, options)
  assert.ok(sink.writableFinished)
  return sink.text
}

test(`a whole database comes back as it was (LODESTORE_SEED=${seed})`, async (t) => {
  const collation = { locale: 'sv', strength: 2 }
  const stores = {
    people: {
      keyPath: 'id',
      autoIncrement: true,
      indexes: {
        byName: { on: ['name', '-born'], unique: true, collation },
        old: { on: 'name', where: { born: { $lt: new Date(0) } } },
        tags: { on: 'tags', multiEntry: true, sparse: true },
      },
    },
    things: {},
    logs: { key: 'uuidv7', compression: 'lz4' },
    compound: { keyPath: ['a.b', 'c'] },
  } as const
  const db: any = await temporaryDatabase(t, { stores })
  const random = new RandomDocuments(randomSource(seed))
  await db
    .store('people')
    .putMany(
      Array.from({ length: 2500 }, (_, i) => ({ name: `n${i}`, born: new Date(i - 5), tags: [i] })),
    )
  const keys = [
    1,
    -0.5,
    'text',
    '\ud800',
    new Date(5),
    new Uint8Array([1, 2]).buffer,
    [1, ['a']],
    2n ** 63n,
  ]
  for (const key of keys) await db.store('things').put(random.document(), key)
  for (let i = 0; i < 50; i++) await db.store('logs').put(random.document())
  await db.store('logs').put({ file: new File(['text'], 'name.txt', { lastModified: 5 }) })
  await db.store('compound').put({ a: { b: 1 }, c: 'x' })

  const path = join(await temporaryDirectory(t), 'all.ndjson')
  let told = 0
  const count = await db.exportTo(path, {
    onProgress: ({ done, total }: any) => (told = done / total),
  })
  assert.equal(count, 2500 + keys.length + 52)
  assert.equal(told, 1)
  const copy: any = await temporaryDatabase(t, {})
  const result = await copy.importFrom(path)
  assert.deepEqual(result, { imported: count, existing: 0, failed: 0, errors: [] })
  assert.deepEqual(copy.storeNames, db.storeNames)
  for (const name of db.storeNames) {
    const [mine, theirs] = [copy.store(name), db.store(name)]
    assert.deepEqual(await mine.getAllKeys(), await theirs.getAllKeys())
    const found = await mine.getAll()
    for (const [i, document] of (await theirs.getAll()).entries()) {
      if (document?.file === undefined) assertSame(found[i], document, `${name} ${i}`)
      else assert.equal(await found[i].file.text(), 'text')
    }
    for (const index of theirs.indexNames) {
      const [a, b] = [mine.index(index), theirs.index(index)]
      assert.deepEqual(await a.getAllKeys(), await b.getAllKeys())
      for (const flag of ['on', 'unique', 'multiEntry', 'sparse', 'where', 'collation']) {
        assert.deepEqual(a[flag], b[flag])
      }
    }
  }
  // It is the same text again, and the generator goes on.
  assert.equal(await textOf(copy, {}), await readFile(path, 'utf8'))
  assert.equal(await copy.store('people').put({ name: 'x' }), 2501)
  await rejects(copy.store('people').put({ name: 'N5', born: new Date(0) }), 'UNIQUE_VIOLATION')
})

test('a store is lines of typed JSON, with keys beside them if they are not inside', async (t) => {
  const db: any = await temporaryDatabase(t, { stores: { in: { keyPath: 'id' }, out: {} } })
  await db.store('in').put({ id: 1, at: new Date(0) })
  await db.store('out').put({ a: 1n }, 'key')
  assert.equal(
    await textOf(db, { store: 'in' }),
    '{"id":1,"at":{"$date":"1970-01-01T00:00:00.000Z"}}\n',
  )
  const out = await textOf(db, { store: 'out' })
  assert.equal(out, '{"$key":"key","$value":{"a":{"$bigint":"1"}}}\n')
  await db.store('out').clear()
  await db.importFrom([out], { store: 'out' })
  assert.deepEqual(await db.store('out').get('key'), { a: 1n })
})

test('a store is an array of plain JSON', async (t) => {
  const db: any = await temporaryDatabase(t, { stores: { docs: { keyPath: 'id' }, empty: {} } })
  assert.deepEqual(JSON.parse(await textOf(db, { store: 'empty', format: 'json' })), [])
  const binary = new Uint8Array([1, 2, 3])
  const documents = [
    { id: 1, text: 'a",]}[{\\', list: [1, [2, { x: '"' }]], none: undefined },
    { id: 2, at: new Date(0), n: 5n, map: new Map([[1, 2]]), binary, set: new Set([1]), nan: NaN },
  ]
  await db.store('docs').putMany(documents)
  const text = await textOf(db, { store: 'docs', format: 'json' })
  const plain = [
    { id: 1, text: 'a",]}[{\\', list: [1, [2, { x: '"' }]] },
    {
      id: 2,
      at: '1970-01-01T00:00:00.000Z',
      n: '5',
      map: [[1, 2]],
      binary: 'AQID',
      set: [1],
      nan: null,
    },
  ]
  assert.deepEqual(JSON.parse(text), plain)
  // Cut anywhere, and with any space between.
  const spaced = JSON.stringify(plain, null, '\t\n')
  for (const each of [text, spaced, spaced.replaceAll('\n', '\r\n')]) {
    for (const size of [1, 7, 1000]) {
      await db.store('docs').clear()
      const bytes = Buffer.from(each)
      const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
        bytes.subarray(i * size, (i + 1) * size),
      )
      await db.importFrom(pieces, { store: 'docs', format: 'json' })
      assert.deepEqual(await db.store('docs').getAll(), plain)
    }
  }
  const cycle: any = { id: 3 }
  cycle.self = cycle
  await db.store('docs').put(cycle)
  await rejects(db.exportTo(new Sink(), { store: 'docs', format: 'json' }), 'UNSUPPORTED', {
    key: 3,
  })
  const bad: [string, number][] = [
    ['', 1],
    ['{}', 1],
    ['[1', 1],
    ['[]\n]', 2],
    ['[{"id":1},\n]', 2],
  ]
  for (const [source, line] of bad) {
    const importing = db.importFrom([source], { store: 'docs', format: 'json' })
    const error = await rejects(importing, 'INVALID_ARGUMENT')
    assert.match(error.message, new RegExp(`line ${line}: `), source)
  }
})

test('a store is comma-separated values', async (t) => {
  const db: any = await temporaryDatabase(t, { stores: { docs: { keyPath: 'id' } } })
  const documents = [
    { id: 1, name: 'a, "b"\r\nc', address: { city: 'Łódź' }, n: 1.5, ok: true, empty: '' },
    { id: 2, big: 2n ** 70n, at: new Date(5), list: [1, { x: 2 }], none: null },
  ]
  await db.store('docs').putMany(documents)
  const columns = ['id', 'name', 'address.city', 'n', 'ok', 'empty', 'big', 'at', 'list', 'none']
  const types = {
    id: 'number',
    n: 'number',
    ok: 'boolean',
    big: 'bigint',
    at: 'date',
    list: 'json',
  }
  for (const separator of [',', ';', '\t']) {
    const options = { store: 'docs', format: 'csv', separator }
    const text = await textOf(db, { ...options, columns })
    const [header] = text.split('\r\n')
    assert.equal(header, columns.join(separator))
    for (const each of [text, `\ufeff${text.slice(0, -2)}`]) {
      await db.store('docs').clear()
      await db.importFrom(Readable.from([...Buffer.from(each)].map((byte) => Buffer.of(byte))), {
        ...options,
        types,
      })
      const [first, { none, ...second }] = documents as any
      assert.equal(none, null)
      assert.deepEqual(await db.store('docs').getAll(), [first, second])
    }
    await db.store('docs').putMany(documents)
  }
  const all = await textOf(db, { store: 'docs', format: 'csv' })
  assert.match(all, /^id,name,address,n,ok,empty,big,at,list,none\r\n1,/)
  await db.store('docs').put({ id: 3, 'a.b': 1 })
  await rejects(db.exportTo(new Sink(), { store: 'docs', format: 'csv' }), 'UNSUPPORTED')
})

test('bad rows of comma-separated values are told by their lines', async (t) => {
  const db: any = await temporaryDatabase(t, { stores: { docs: { keyPath: 'id' } } })
  const options = { store: 'docs', format: 'csv', types: { id: 'number' }, maxErrors: Infinity }
  const csv = 'id,a\r\n1,x\n"2","multi\nline"\n3\n4,"x"y\n\nfive,z\n6,"open'
  const { imported, errors } = await db.importFrom([csv], options)
  assert.equal(imported, 2)
  assert.deepEqual(
    errors.map(({ line }: any) => line),
    [5, 6, 8, 9],
  )
  assert.equal((await db.store('docs').get(2)).a, 'multi\nline')
  await rejects(db.importFrom(['id,id\n'], { ...options, types: {} }), 'INVALID_ARGUMENT')
  await rejects(db.importFrom(['x\n'], options), 'INVALID_ARGUMENT')
  const headless = { store: 'docs', format: 'csv', columns: ['id', 'a'] }
  assert.equal((await db.importFrom(['k,v'], headless)).imported, 1)
})

test('text goes through streams, with back-pressure', async (t) => {
  const db: any = await temporaryDatabase(t, { stores: { docs: { keyPath: 'id' } } })
  const text = 'x'.repeat(1000)
  await db.store('docs').putMany(Array.from({ length: 5000 }, (_, id) => ({ id, text })))
  const path = join(await temporaryDirectory(t), 'docs.gz')
  const gzip = createGzip()
  const written = buffer(gzip)
  await db.exportTo(gzip)
  await writeFile(path, await written)
  const copy: any = await temporaryDatabase(t, {})
  await copy.importFrom(createReadStream(path).pipe(createGunzip()))
  assert.equal(await copy.store('docs').count(), 5000)

  const broken = new Writable({ write: (_piece, _encoding, done) => done(new Error('full')) })
  await assert.rejects(db.exportTo(broken), /full/)
  const failing = Readable.from(['{ "id": 1 }\n', Promise.reject(new Error('torn'))])
  await assert.rejects(copy.importFrom(failing, { store: 'docs' }), /torn/)
})

test('files are there complete or not at all', async (t) => {
  const db: any = await temporaryDatabase(t, { stores: { docs: { keyPath: 'id' } } })
  await db.store('docs').putMany(Array.from({ length: 20_000 }, (_, id) => ({ id })))
  const directory = await temporaryDirectory(t)
  const path = join(directory, 'docs.ndjson')
  const controller = new AbortController()
  const enough = new Error('enough')
  const onProgress = (): void => controller.abort(enough)
  const cancelled = db.exportTo(path, { signal: controller.signal, onProgress })
  await rejects(cancelled, 'ABORTED', { cause: enough })
  const thrown = new Error('thrown')
  const throws = (): never => {
    throw thrown
  }
  await assert.rejects(db.exportTo(path, { onProgress: throws }), thrown)
  assert.deepEqual(await readdir(directory), [])
  await writeFile(path, 'before')
  await db.exportTo(path, { store: 'docs' })
  assert.deepEqual(await readdir(directory), ['docs.ndjson'])
  assert.match(await readFile(path, 'utf8'), /^\{"id":0\}\n/)
  await rejects(db.exportTo(join(directory, 'no', 'way')), 'NOT_FOUND')
  await rejects(db.importFrom(join(directory, 'nothing'), { store: 'docs' }), 'NOT_FOUND')
})

test('an export is of one state', async (t) => {
  const db: any = await temporaryDatabase(t, {
    stores: { a: { keyPath: 'id' }, b: { keyPath: 'id' } },
  })
  const documents = Array.from({ length: 5000 }, (_, id) => ({ id }))
  await db.store('a').putMany(documents)
  await db.store('b').putMany(documents)
  let changing: Promise<unknown> | undefined
  const onProgress = (): void => {
    changing ??= Promise.all([db.store('a').clear(), db.store('b').clear()])
  }
  assert.equal(await db.exportTo(new Sink(), { onProgress }), 10_000)
  await changing
  assert.equal(await db.exportTo(new Sink()), 0)
})

test('options are checked', async (t) => {
  const db: any = await temporaryDatabase(t, { stores: { docs: { keyPath: 'id' } } })
  const refused: [() => Promise<unknown>, string][] = [
    [() => db.exportTo(5), 'destination'],
    [() => db.exportTo('x', { format: 'csv' }), 'options.store'],
    [() => db.exportTo('x', { store: 'docs', columns: ['a'] }), 'options.columns'],
    [
      () => db.exportTo('x', { store: 'docs', format: 'csv', columns: ['a', 'a'] }),
      'options.columns',
    ],
    [() => db.exportTo('x', { store: 'docs', format: 'csv', separator: '"' }), 'options.separator'],
    [() => db.exportTo('x', { types: {} }), 'options.types'],
    [() => db.importFrom(5), 'source'],
    [() => db.importFrom([5], { store: 'docs' }), 'source'],
    [() => db.importFrom([], { store: 'docs', format: 'csv', types: { a: 'x' } }), 'options.types'],
    [() => db.importFrom([], { batch: 0 }), 'options.batch'],
    [() => db.importFrom([], { onExisting: 'merge' }), 'options.onExisting'],
    [() => db.importFrom([], { checkpoint: { store: 'docs' } }), 'options.checkpoint'],
    [
      () => db.importFrom([], { checkpoint: { store: 'docs', key: 1 } }),
      'options.checkpoint.store',
    ],
  ]
  for (const [call, path] of refused) await rejects(call(), 'INVALID_ARGUMENT', { path })
  await rejects(db.exportTo(new Sink(), { store: 'none' }), 'STORE_NOT_FOUND')
  await rejects(db.importFrom(['{}'], { store: 'none' }), 'STORE_NOT_FOUND')
})

test('sources that are no database are refused', async (t) => {
  const db: any = await temporaryDatabase(t, { stores: { docs: { keyPath: 'id' } } })
  await rejects(db.importFrom(['{"id":1}\n']), 'INVALID_ARGUMENT')
  await rejects(db.importFrom(['']), 'INVALID_ARGUMENT')
  await rejects(db.importFrom(['{"lodestore":2,"stores":[]}']), 'INCOMPATIBLE_VERSION')
  const differs = '{"lodestore":1,"stores":[{"name":"docs","keyPath":"other"}]}'
  await rejects(db.importFrom([differs]), 'INVALID_ARGUMENT', { store: 'docs' })
  const header = '{"lodestore":1,"stores":[]}\n'
  await rejects(db.importFrom([header, '{"store":"gone","value":1}']), 'STORE_NOT_FOUND')
  await rejects(db.importFrom([header, '{"value":1}']), 'INVALID_ARGUMENT')
})
