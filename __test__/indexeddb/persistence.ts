import { phases } from './phases'
import assert from 'node:assert/strict'
import { indexedDB, IDBKeyRange } from 'lodestore/indexeddb'
import { isSame } from '../support/same'
import { completed, openDatabase, resultOf, walk } from './requests'

/** Lone surrogates are names like others, in every place. */
const NAMES = ['', 'plain', 'über/€ 🎈', '\0', '\ud800', 'a\udc00b', '__proto__', 'x'.repeat(300)]

const shared = { of: 'two' }
const VALUES: Record<string, unknown> = {
  numbers: [0, -0, 1.5, NaN, Infinity, -(2 ** 53)],
  bigInts: [0n, -1n, 2n ** 200n],
  nothing: [undefined, null],
  strings: ['', 'ä', '\ud800', 'x'.repeat(100_000)],
  boxed: [Object(true), Object(1), Object('s'), Object(1n)],
  dates: [new Date(0), new Date(NaN)],
  expression: /a+/giu,
  bytes: [new Uint8Array([1, 2, 3]), new Float64Array([0.5]), new ArrayBuffer(4)],
  collections: [new Map<any, any>([[{ a: 1 }, new Set([1, 'two'])]]), new Set([new Date(5)])],
  errors: [new TypeError('wrong'), new RangeError('far')],
  nested: { a: { b: { c: [[[]]] } } },
  twice: [shared, shared],
}

/** In their order. */
const KEYS: any[] = [
  -Infinity,
  -1,
  0,
  1.5,
  new Date(-1),
  new Date(1),
  '',
  'a',
  'a\ud800',
  'a\uffff',
  new Uint8Array([]).buffer,
  new Uint8Array([0, 255]).buffer,
  [],
  Array.from({ length: 3000 }, (_, n) => n),
  [1, 'a', [new Date(3)]],
  [[]],
]

async function write(): Promise<void> {
  for (const [i, name] of NAMES.entries()) {
    const db = await openDatabase(name, i + 1, (made) => {
      for (const each of NAMES) made.createObjectStore(each).createIndex(name, 'by')
    })
    const tx = db.transaction(NAMES, 'readwrite')
    for (const each of NAMES) tx.objectStore(each).put({ by: [each, name] }, name)
    await completed(tx)
  }
  const db = await openDatabase('data', 3, (made) => {
    made.createObjectStore('values')
    made.createObjectStore('keys')
    const store = made.createObjectStore('generated', { keyPath: 'a.id', autoIncrement: true })
    store.createIndex('tags', 'tags', { multiEntry: true })
    store.createIndex('pair', ['x', 'y'], { unique: true })
  })
  const tx = db.transaction(db.objectStoreNames, 'readwrite')
  for (const [name, value] of Object.entries(VALUES)) tx.objectStore('values').put(value, name)
  const circle: any = { name: 'circle' }
  circle.self = circle
  tx.objectStore('values').put(circle, 'circle')
  tx.objectStore('values').put({ blob: new Blob(['bl', 'ob'], { type: 'text/a' }) }, 'blob')
  const options = { type: 'image/b', lastModified: 1234567 }
  tx.objectStore('values').put([new File([new Uint8Array([0, 255])], 'f.png', options)], 'file')
  for (const [i, key] of KEYS.toReversed().entries()) tx.objectStore('keys').put(i, key)
  for (let n = 0; n < 20; n++) {
    tx.objectStore('generated').add({ x: n % 4, y: n, tags: ['all', n % 2, n % 2, null] })
  }
  await completed(tx)
}

/** Renames and deletes, in an upgrade. */
async function change(): Promise<void> {
  const db = await openDatabase('data', 4, (upgraded, versions, tx) => {
    assert.deepEqual(versions, [3, 4])
    const store = tx.objectStore('generated')
    store.name = 'renamed'
    store.index('pair').name = '\udfff'
    store.createIndex('late', 'y')
    store.delete(3)
    upgraded.createObjectStore('temporary').put(1, 1)
    upgraded.deleteObjectStore('temporary')
  })
  const tx = db.transaction('renamed', 'readwrite')
  await assert.rejects(resultOf(tx.objectStore('renamed').add({ x: 1, y: 1 })), {
    name: 'ConstraintError',
  })
}

async function read(): Promise<void> {
  const expected = NAMES.map((name, i) => ({ name, version: i + 1 }))
  const listed = [...expected, { name: 'data', version: 4 }]
  const byVersion = (a: any, b: any) => a.version - b.version || (a.name < b.name ? -1 : 1)
  const databases = await indexedDB.databases()
  assert.deepEqual(databases.toSorted(byVersion), listed.toSorted(byVersion))
  for (const name of NAMES) {
    const db = await openDatabase(name)
    assert.equal(db.name, name)
    assert.deepEqual([...db.objectStoreNames], NAMES.toSorted())
    for (const each of NAMES) {
      const index = db.transaction(each).objectStore(each).index(name)
      assert.deepEqual(await walk(index), [[[each, name], { by: [each, name] }]])
    }
    db.close()
  }
  const db = await openDatabase('data')
  await readValues(db)
  const rows = await walk(db.transaction('keys').objectStore('keys'))
  assert.ok(
    isSame(
      rows,
      KEYS.map((key, i) => [key, KEYS.length - 1 - i]),
    ),
  )
  await readGenerated(db)
  db.close()
}

async function readValues(db: any): Promise<void> {
  const get = (name: string) => resultOf(db.transaction('values').objectStore('values').get(name))
  for (const [name, value] of Object.entries(VALUES)) {
    assert.ok(isSame(await get(name), value), name)
  }
  const [one, other] = await get('twice')
  assert.equal(one, other)
  const circle = await get('circle')
  assert.equal(circle.self, circle)
  const { blob } = await get('blob')
  assert.ok(blob instanceof Blob)
  assert.deepEqual([await blob.text(), blob.type, blob.size], ['blob', 'text/a', 4])
  const [file] = await get('file')
  assert.ok(file instanceof File)
  assert.deepEqual([file.name, file.type, file.lastModified], ['f.png', 'image/b', 1234567])
  assert.deepEqual(new Uint8Array(await file.arrayBuffer()), new Uint8Array([0, 255]))
}

async function readGenerated(db: any): Promise<void> {
  const store = () => db.transaction('renamed', 'readwrite').objectStore('renamed')
  assert.deepEqual([...store().indexNames], ['late', 'tags', '\udfff'])
  const keys = (...args: unknown[]) =>
    resultOf(
      store()
        .index('tags')
        .getAllKeys(...args),
    )
  assert.equal((await keys('all')).length, 19)
  assert.deepEqual(await keys(1), [2, 4, 6, 8, 10, 12, 14, 16, 18, 20])
  assert.deepEqual(await resultOf(store().index('late').getAllKeys(null, 3)), [1, 2, 4])
  const range = IDBKeyRange.bound([1], [2])
  assert.deepEqual(await resultOf(store().index('\udfff').getAllKeys(range)), [2, 6, 10, 14, 18])
  // An aborted transaction has taken a number, and given it back.
  assert.equal(await resultOf(store().add({ x: 9, y: 9 })), 21)
}

declare const File: any

phases({ write, change, read })
