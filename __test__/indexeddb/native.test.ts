import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { IDBKeyRange, configure } from 'lodestore/indexeddb'
import { open } from '../../index.js'
import { rejects, temporaryDirectory } from '../support/database'
import { Random, seed } from '../support/random'
import { completed, openDatabase, resultOf, walk } from './requests'

const COUNT = 400
const AUTHORS = ['Ada', 'Blaise', 'Émilie', 'Grace']

/** What books have: now and then what no index of IndexedDB takes as a key. */
function makeBooks(): any[] {
  const random = new Random(seed)
  return Array.from({ length: COUNT }, (_, n) => {
    const book: any = { isbn: n, title: `title ${n}`, year: random.between(1900, 1999) }
    const author = random.below(10)
    if (author < 6) book.author = random.pick(AUTHORS)
    else if (author < 7) book.author = null
    else if (author < 8) book.author = [random.pick(AUTHORS), random.pick(AUTHORS)]
    else if (author < 9) book.author = { name: 'not a key' }
    book.tags = random.list(random.below(4), () => random.pick(['a', 'b', 'c', null]))
    return book
  })
}

/** A database that IndexedDB has made, open through both interfaces. */
async function both(t: TestContext): Promise<{ idb: any; db: any; books: any[] }> {
  const path = await temporaryDirectory(t)
  configure({ path, durability: 'relaxed' })
  const idb = await openDatabase('library', 3, (made) => {
    const store = made.createObjectStore('books', { keyPath: 'isbn' })
    store.createIndex('byAuthor', 'author')
    store.createIndex('byYearAndAuthor', ['year', 'author'])
    store.createIndex('byTag', 'tags', { multiEntry: true })
    store.createIndex('byTitle', 'title', { unique: true })
    made.createObjectStore('notes', { autoIncrement: true })
  })
  const books = makeBooks()
  const tx = idb.transaction('books', 'readwrite')
  for (const book of books) tx.objectStore('books').put(book)
  await completed(tx)
  const db: any = await open(path, { space: 'library', mode: 'open' })
  t.after(async () => {
    idb.close()
    await db.close()
  })
  return { idb, db, books }
}

const isbns = (found: any[]) => found.map(({ isbn }) => isbn).toSorted((a, b) => a - b)

test('the stores and indexes of IndexedDB are there as native ones', async (t) => {
  const { db, books } = await both(t)
  assert.deepEqual(db.storeNames, ['books', 'notes'])
  const store = db.store('books')
  assert.deepEqual(store.indexNames, ['byAuthor', 'byTag', 'byTitle', 'byYearAndAuthor'])
  assert.equal(await store.count(), COUNT)
  assert.deepEqual(await store.get(7), books[7])
  assert.deepEqual(store.getSync(8), books[8])
  assert.equal((await store.index('byTitle').get('title 9')).isbn, 9)
  const fromIndex = await store.index('byAuthor').getAll('Ada')
  assert.deepEqual(isbns(fromIndex), isbns(books.filter(({ author }) => author === 'Ada')))
  const tagged = await store.index('byTag').getAllKeys('b')
  const expected = books.filter(({ tags }) => tags.includes('b'))
  assert.deepEqual(tagged, isbns(expected))
})

const hasAuthor = (name: string) => (book: any) =>
  book.author === name || (Array.isArray(book.author) && book.author.includes(name))

/** Queries, and what they are about in plain code. */
const QUERIES: [string, any, (book: any) => boolean][] = [
  ['equality', { author: 'Ada' }, hasAuthor('Ada')],
  ['a missing field', { author: { $exists: false } }, (book) => !('author' in book)],
  ['null', { author: null }, (book) => (book.author ?? null) === null],
  ['what is no key', { 'author.name': 'not a key' }, ({ author }) => author?.name !== undefined],
  ['an element', { tags: 'c' }, ({ tags }) => tags.includes('c')],
  ['null as element', { tags: null }, ({ tags }) => tags.includes(null)],
  [
    'two fields',
    { year: { $gte: 1990 }, author: 'Grace' },
    (book) => book.year >= 1990 && hasAuthor('Grace')(book),
  ],
  ['a unique field', { title: 'title 3' }, ({ title }) => title === 'title 3'],
  ['a negation', { author: { $ne: 'Ada' } }, (book) => !hasAuthor('Ada')(book)],
]

test(`queries find documents by indexes of IndexedDB (LODESTORE_SEED=${seed})`, async (t) => {
  const { db, books } = await both(t)
  const store = db.store('books')
  const serving = new Set<string>()
  for (const [name, filter, isFound] of QUERIES) {
    const expected = isbns(books.filter(isFound))
    assert.ok(expected.length > 0, `${name}: nothing to be found`)
    assert.deepEqual(isbns(await store.find(filter).toArray()), expected, name)
    assert.equal(await store.count(filter), expected.length, name)
    for (const hint of store.indexNames) {
      const hinted = await store
        .find(filter)
        .hint(hint)
        .toArray()
        .catch((error: any) => error)
      if (hinted.code === 'INVALID_QUERY') continue
      serving.add(hint)
      assert.deepEqual(isbns(hinted), expected, `${name} by ${hint}`)
    }
  }
  const { index, examinedDocs } = await store.find({ title: 'title 3' }).explain()
  assert.deepEqual([index, examinedDocs], ['byTitle', 1])
  // Indexes of several fields have too few keys to answer queries.
  assert.deepEqual([...serving].toSorted(), ['byAuthor', 'byTag', 'byTitle'])
})

test('queries sort what indexes of IndexedDB leave out', async (t) => {
  const { db, books } = await both(t)
  const first = ({ author }: any) => (Array.isArray(author) ? author.toSorted()[0] : author)
  const expected = books
    .filter(({ author }) => typeof author === 'string' || Array.isArray(author))
    .toSorted((a, b) => (first(a) < first(b) ? -1 : first(a) > first(b) ? 1 : a.isbn - b.isbn))
  const found = await db
    .store('books')
    .find({ author: { $in: AUTHORS } })
    .sort({ author: 1, isbn: 1 })
    .toArray()
  assert.deepEqual(found, expected)
})

test('what one interface writes the other one reads, indexes included', async (t) => {
  const { idb, db } = await both(t)
  const store = db.store('books')
  const books = (mode = 'readonly') => idb.transaction('books', mode).objectStore('books')

  await store.put({ isbn: 1000, title: 'native', author: 'Zoë', tags: ['new', 'new', null] })
  assert.deepEqual(await resultOf(books().index('byAuthor').getAllKeys('Zoë')), [1000])
  assert.deepEqual(await walk(books().index('byTag'), IDBKeyRange.only('new')), [
    ['new', await store.get(1000)],
  ])
  await store.update(1000, { $set: { author: 'Zoe' }, $push: { tags: 'late' } })
  assert.equal(await resultOf(books().index('byAuthor').count('Zoë')), 0)
  assert.deepEqual(await resultOf(books().index('byTag').getAllKeys('late')), [1000])
  await rejects(store.add({ isbn: 1001, title: 'native' }), 'UNIQUE_VIOLATION')
  await assert.rejects(resultOf(books('readwrite').add({ isbn: 1002, title: 'native' })), {
    name: 'ConstraintError',
  })

  const tx = idb.transaction('books', 'readwrite')
  tx.objectStore('books').put({ isbn: 1003, title: 'of IndexedDB', author: 'Zoe' })
  tx.objectStore('books').delete(IDBKeyRange.upperBound(99))
  await completed(tx)
  assert.deepEqual(isbns(await store.find({ author: 'Zoe' }).toArray()), [1000, 1003])
  assert.equal(await store.count({ isbn: { $lt: 100 } }), 0)
  assert.equal(await store.count(), COUNT - 100 + 2)
  assert.equal(await store.delete(1003), 1)
  assert.equal(await resultOf(books().get(1003)), undefined)
})

test('key generators and values without keys are shared', async (t) => {
  const { idb, db } = await both(t)
  const notes = (mode = 'readonly') => idb.transaction('notes', mode).objectStore('notes')
  assert.equal(await resultOf(notes('readwrite').add('one')), 1)
  assert.equal(await db.store('notes').add({ text: 'two' }), 2)
  assert.equal(await resultOf(notes('readwrite').add(new Map([['three', 3]]))), 3)
  assert.deepEqual(await walk(notes()), [
    [1, 'one'],
    [2, { text: 'two' }],
    [3, new Map([['three', 3]])],
  ])
  assert.deepEqual(await db.store('notes').getAll(), [
    'one',
    { text: 'two' },
    new Map([['three', 3]]),
  ])
})

test('transactions of one interface wait for those of the other', async (t) => {
  const { idb, db } = await both(t)
  const TIMES = 100
  const native = async () => {
    for (let i = 0; i < TIMES; i++) {
      await db.transaction(async (tx: any) => {
        const { n = 0, ...book } = await tx.store('books').get(1)
        await tx.store('books').put({ ...book, n: n + 1 })
      })
    }
  }
  const ofIndexedDB = async () => {
    for (let i = 0; i < TIMES; i++) {
      const tx = idb.transaction('books', 'readwrite')
      const store = tx.objectStore('books')
      store.get(1).onsuccess = ({ target }: any) => {
        store.put({ ...target.result, n: (target.result.n ?? 0) + 1 })
      }
      await completed(tx)
    }
  }
  await Promise.all([native(), ofIndexedDB()])
  assert.equal((await db.store('books').get(1)).n, 2 * TIMES)

  // A snapshot of one is not disturbed by the other.
  const snapshot = await db.snapshot()
  const tx = idb.transaction('books', 'readwrite')
  tx.objectStore('books').clear()
  await completed(tx)
  assert.equal(await snapshot.store('books').count(), COUNT)
  snapshot.close()
  assert.equal(await db.store('books').count(), 0)
})
