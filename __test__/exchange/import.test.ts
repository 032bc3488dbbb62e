import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { rejects, temporaryDatabase, temporaryDirectory } from '../support/database'

const lines = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) => `{"id":${from + i},"n":${from + i}}\n`)

const STORES = {
  docs: { keyPath: 'id', indexes: { n: { on: 'n', unique: true } } },
  marks: {},
} as const
const checkpoint = { store: 'marks', key: 'docs' }

test('an import stops at the first bad line, and keeps what came before it', async (t) => {
  const db: any = await temporaryDatabase(t, { stores: STORES })
  const source = [...lines(0, 2500), 'bad\n', ...lines(3000, 3005)]
  for (const options of [{}, { checkpoint }]) {
    await db.store('docs').clear()
    const error: any = await rejects(
      db.importFrom(source, { store: 'docs', ...options }),
      'INVALID_ARGUMENT',
    )
    assert.match(error.message, /^line 2501: /)
    assert.deepEqual([error.imported, error.failed, error.errors], [2500, 0, []])
    assert.equal(await db.store('docs').count(), 2500)
  }
})

test('an import stops at the first document that is refused, as at a bad line', async (t) => {
  const db: any = await temporaryDatabase(t, { stores: STORES })
  const store = db.store('docs')
  const of = (id: number) => `{"id":${id},"n":${id}}\n`
  // The 1,501st and the 1,503rd have what another one has that comes before.
  const twice = ['{"id":5000,"n":7}\n', of(5001), '{"id":5002,"n":8}\n']
  const source = [...lines(0, 1500), ...twice, ...lines(6000, 6100)]
  for (const options of [{}, { checkpoint }, { onExisting: 'keep' }, { onExisting: 'refuse' }]) {
    for (const maxErrors of [0, 1]) {
      await store.clear()
      await db.store('marks').clear()
      const all = { store: 'docs', maxErrors, ...options }
      const error: any = await rejects(db.importFrom(source, all), 'UNIQUE_VIOLATION')
      const line = 1501 + 2 * maxErrors
      assert.match(error.message, new RegExp(`^line ${line}: `))
      assert.equal(error.imported, line - 1 - maxErrors)
      assert.equal(error.failed, maxErrors)
      assert.deepEqual(
        error.errors.map(({ line: at, code }: any) => [at, code]),
        [[1501, 'UNIQUE_VIOLATION']].slice(0, maxErrors),
      )
      assert.equal(await store.count(), error.imported)
      assert.equal((await store.get(5001)) !== undefined, maxErrors === 1)
      if (!('checkpoint' in options)) continue
      // It goes on there, when what was wrong is not any more.
      await store.deleteMany([7, 8])
      const { imported } = await db.importFrom(source, all)
      assert.equal(imported, source.length - maxErrors)
    }
  }
  await store.clear()
  const again = { store: 'docs', onExisting: 'refuse' }
  const error: any = await rejects(db.importFrom(['{"id":1}\n{"id":1}\n'], again), 'KEY_EXISTS')
  assert.match(error.message, /^line 2: /)
  assert.deepEqual([error.imported, error.key, await store.count()], [1, 1, 1])
})

test('bad lines are counted and listed, whatever is wrong with them', async (t) => {
  const db: any = await temporaryDatabase(t, { stores: STORES })
  const bad = ['{"id":1', '[1]', '{"id":{}}', '{"id":2,"n":1}', '{"n":5}', '{"id":9,"n":{"$x":1}}']
  const source = ['{"id":1,"n":1}\n', ...bad.map((line) => `${line}\n`), '{"id":3,"n":3}']
  for (const options of [{}, { checkpoint }, { onExisting: 'refuse' }]) {
    await db.store('docs').clear()
    await db.store('marks').clear()
    const all = { store: 'docs', maxErrors: bad.length, ...options }
    const result = await db.importFrom(source, all)
    assert.equal(result.imported, 2)
    assert.equal(result.failed, bad.length)
    assert.deepEqual(
      result.errors.map(({ line, code }: any) => [line, code]),
      [
        [2, 'INVALID_ARGUMENT'],
        [3, 'INVALID_KEY'],
        [4, 'INVALID_KEY'],
        [5, 'UNIQUE_VIOLATION'],
        [6, 'INVALID_KEY'],
        [7, 'INVALID_ARGUMENT'],
      ],
    )
    await db.store('docs').clear()
    await db.store('marks').clear()
    const error: any = await db
      .importFrom(source, { ...all, maxErrors: bad.length - 1 })
      .then(assert.fail, (reason: unknown) => reason)
    assert.equal(error.name, 'LodestoreError')
  }
})

test('documents that are there are replaced, kept or refused', async (t) => {
  const db: any = await temporaryDatabase(t, { stores: STORES })
  const store = db.store('docs')
  const source = ['{"id":1,"v":"new"}\n{"id":2,"v":"new"}']
  const run = async (onExisting: string): Promise<unknown> => {
    await store.clear()
    await store.put({ id: 1, v: 'old' })
    const options = { store: 'docs', onExisting, maxErrors: 5 }
    const { imported, existing, errors } = await db.importFrom(source, options)
    const values = (await store.getAll()).map(({ v }: any) => v)
    return [imported, existing, errors.map(({ code }: any) => code), values]
  }
  assert.deepEqual(await run('replace'), [2, 0, [], ['new', 'new']])
  assert.deepEqual(await run('keep'), [1, 1, [], ['old', 'new']])
  assert.deepEqual(await run('refuse'), [1, 0, ['KEY_EXISTS'], ['old', 'new']])
})

test('an import goes on where it was stopped', async (t) => {
  const stores = { log: { autoIncrement: true }, marks: {} } as const
  const db: any = await temporaryDatabase(t, { stores })
  const source = Array.from({ length: 1050 }, (_, i) => `{"i":${i}}\n`)
  const options = { store: 'log', checkpoint, batch: 100 }
  for (const stop of [150, 420, 421, 999]) {
    const torn = async function* (): AsyncGenerator<string> {
      yield* source.slice(0, stop)
      throw new Error('torn')
    }
    await assert.rejects(db.importFrom(torn(), options), /torn/)
    const { imported, isComplete } = await db.store('marks').get('docs')
    assert.equal(imported, Math.floor((stop - 1) / 100) * 100)
    assert.equal(isComplete, false)
  }
  const controller = new AbortController()
  const signal = controller.signal
  const onProgress = (): void => controller.abort()
  await rejects(db.importFrom(source, { ...options, signal, onProgress }), 'ABORTED')
  for (let again = 0; again < 3; again++) {
    const result = await db.importFrom(source, options)
    assert.deepEqual(result, { imported: 1050, existing: 0, failed: 0, errors: [] })
  }
  const numbers = (await db.store('log').getAll()).map(({ i }: any) => i)
  assert.deepEqual(
    numbers,
    Array.from({ length: 1050 }, (_, i) => i),
  )
})

test('it goes on between documents of one line, past those that were bad', async (t) => {
  const db: any = await temporaryDatabase(t, { stores: STORES })
  const elements = Array.from({ length: 50 }, (_, id) => (id % 7 === 3 ? '{}' : `{"id":${id}}`))
  const source = [`[${elements.join(',')}]`]
  const options = { store: 'docs', format: 'json', batch: 10, maxErrors: 50, checkpoint }
  for (let stops = 0; stops < 3; stops++) {
    const controller = new AbortController()
    const { signal } = controller
    const onProgress = (): void => controller.abort()
    await rejects(db.importFrom(source, { ...options, signal, onProgress }), 'ABORTED')
  }
  const { imported, failed } = await db.importFrom(source, options)
  assert.deepEqual([imported, failed], [43, 7])
  assert.equal(await db.store('docs').count(), 43)
})

test('progress is told, and what it throws stops the import', async (t) => {
  const db: any = await temporaryDatabase(t, { stores: STORES })
  const told: number[] = []
  const options = { store: 'docs', batch: 10, onProgress: ({ done }: any) => told.push(done) }
  await db.importFrom(lines(0, 25), options)
  assert.deepEqual(told, [10, 20, 25])
  const thrown = new Error('enough')
  const onProgress = (): never => {
    throw thrown
  }
  await assert.rejects(db.importFrom(lines(30, 60), { ...options, onProgress }), thrown)
  assert.equal(await db.store('docs').count(), 35)
})

test('lines are those of bytes: of any cut, with any end, in UTF-8 alone', async (t) => {
  const db: any = await temporaryDatabase(t, { stores: { docs: { keyPath: 'id' } } })
  const text = '\ufeff{"id":1,"t":"äß😀"}\r\n\r\n\n{"id":2,"t":"日本"}'
  const bytes = Buffer.from(text)
  for (const size of [1, 2, 3, 5, 1000]) {
    await db.store('docs').clear()
    const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
      bytes.subarray(i * size, (i + 1) * size),
    )
    await db.importFrom(pieces, { store: 'docs' })
    const found = (await db.store('docs').getAll()).map(({ t: each }: any) => each)
    assert.deepEqual(found, ['äß😀', '日本'])
  }
  const broken = [Buffer.from('{"id":5}\n{"id":6,"t":"'), Buffer.from([0xff]), Buffer.from('"}\n')]
  const error: any = await rejects(db.importFrom(broken, { store: 'docs' }), 'INVALID_ARGUMENT')
  assert.match(error.message, /^line 2: it is not UTF-8/)
  const csv = { store: 'docs', format: 'csv' }
  await rejects(db.importFrom([Buffer.from([0xc3, 0x28])], csv), 'INVALID_ARGUMENT')
})

const VECTORS = { docs: { keyPath: 'id', vectors: { near: { on: 'v', dimensions: 2 } } } } as const

test('vector indexes go with the database', async (t) => {
  const db: any = await temporaryDatabase(t, { stores: VECTORS })
  await db.store('docs').putMany([
    { id: 1, v: [1, 0] },
    { id: 2, v: [0, 1] },
  ])
  const path = join(await temporaryDirectory(t), 'export.ndjson')
  await db.exportTo(path)
  const copy: any = await temporaryDatabase(t)
  await copy.importFrom(path)
  assert.deepEqual(copy.store('docs').vectorIndexNames, ['near'])
  const [nearest] = await copy.store('docs').nearest('near', [0, 1], { k: 1 })
  assert.equal(nearest.key, 2)
})

test('a document with something else than vectors is one bad line', async (t) => {
  const db: any = await temporaryDatabase(t, { stores: VECTORS })
  const source = ['{"id":1,"v":[1,0]}\n', '{"id":2,"v":[1]}\n', '{"id":3,"v":[0,1]}\n']
  for (const onExisting of ['replace', 'keep', 'refuse']) {
    await db.store('docs').clear()
    const result = await db.importFrom(source, { store: 'docs', maxErrors: 1, onExisting })
    assert.deepEqual([result.imported, result.failed], [2, 1])
    assert.equal(result.errors[0].code, 'DIMENSION_MISMATCH')
  }
})
