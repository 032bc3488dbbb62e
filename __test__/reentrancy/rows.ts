/** Every public method and property, called as a program calls it. */

import { ofDocument, ofKey, ofNames, ofTotal } from './state'

/** What calls are made on; each situation makes its own. */
export interface Objects {
  Database?: any
  Transaction?: any
  Snapshot?: any
  Store: any
  Index: any
  Scan: any
  Query: any
  Pipeline: any
  /** It has read the first row. */
  ScanIterator?: any
  /** It stands on the first row. */
  Cursor?: any
  /** A directory that is not there yet. */
  target: string
}

/** What is committed, to look for the effect of a write. */
export interface Committed {
  get(id: number): any
  names(): string[]
  indexes(): string[]
}

/** A method or property. */
export interface Row {
  of: string
  method: string
  call(objects: Objects): unknown
  /** The state of the database that the result shows. */
  sees?: (value: any) => string
  /** Whether what it writes is there. */
  wrote?: (committed: Committed) => boolean
}

type Extra = Pick<Row, 'sees' | 'wrote'>
type Calls = Record<string, [(object: any, objects: Objects) => unknown, Extra?]>

function rowsOf(of: string, calls: Calls): Row[] {
  return Object.entries(calls).map(([method, [call, extra]]) => ({
    of,
    method,
    call: (objects) => call((objects as any)[of], objects),
    ...extra,
  }))
}

const document = { sees: ofDocument }
const key = { sees: ofKey }
const total = { sees: ofTotal }
const property = { sees: String }
const names = { sees: ofNames }
const is = (id: number, n?: string): Extra => ({ wrote: (c) => c.get(id)?.n === n })
const hasStore = (name: string): Extra => ({ wrote: (c) => c.names().includes(name) })
const hasNoStore = (name: string): Extra => ({ wrote: (c) => !c.names().includes(name) })
const hasIndex = (name: string): Extra => ({ wrote: (c) => c.indexes().includes(name) })

const SCHEMA: Calls = {
  createObjectStore: [(o) => o.createObjectStore('made'), hasStore('made')],
  deleteObjectStore: [(o) => o.deleteObjectStore('t'), hasNoStore('t')],
  renameObjectStore: [(o) => o.renameObjectStore('t', 'u'), hasStore('u')],
  createIndex: [(o) => o.createIndex('s', 'byN', 'n'), hasIndex('byN')],
  createVectorIndex: [
    (o) => o.createVectorIndex('s', 'byPlace', 'place', { dimensions: 1 }),
    hasIndex('byPlace'),
  ],
  deleteIndex: [(o) => o.deleteIndex('s', 'byV'), { wrote: (c) => !c.indexes().includes('byV') }],
  renameIndex: [(o) => o.renameIndex('s', 'byV', 'renamed'), hasIndex('renamed')],
}

/** The first row that an iterator gives. */
const first = async (iterable: any): Promise<any> => {
  const iterator = iterable[Symbol.asyncIterator]()
  const { value } = await iterator.next()
  await iterator.return()
  return value
}

const SCANS: Calls = {
  range: [(o) => first(o.range()), document],
  keys: [(o) => first(o.keys(o.storeName === undefined ? { gte: 5 } : { gte: 'zz' })), key],
  entries: [async (o) => (await first(o.entries())).value, document],
  '[Symbol.asyncIterator]': [(o) => first(o), document],
}

const DATABASE: Calls = {
  path: [(db) => db.path],
  space: [(db) => db.space],
  closed: [(db) => db.closed, property],
  storeNames: [(db) => db.storeNames, names],
  store: [(db) => db.store('s')],
  ...SCHEMA,
  buildVectorGraph: [(db) => db.buildVectorGraph('s', 'near')],
  transaction: [
    (db) => db.transaction((tx: any) => tx.store('s').put({ id: 100, v: 'x', n: 'w' })),
    is(100, 'w'),
  ],
  begin: [
    async (db) => {
      const tx = await db.begin()
      await tx.store('s').put({ id: 100, v: 'x', n: 'w' })
      await tx.commit()
    },
    is(100, 'w'),
  ],
  outside: [(db) => db.outside(() => db.store('s').getSync(1)), document],
  snapshot: [
    async (db) => {
      using snapshot = await db.snapshot()
      return snapshot.store('s').getSync(1)
    },
    document,
  ],
  spaces: [(db) => db.spaces()],
  deleteSpace: [(db) => db.deleteSpace('space')],
  stats: [(db) => db.stats()],
  diagnostics: [(db) => db.diagnostics()],
  flush: [(db) => db.flush()],
  changePassphrase: [(db) => db.changePassphrase('current', 'next')],
  rotateKey: [(db) => db.rotateKey()],
  addKey: [(db) => db.addKey('current', 'additional')],
  removeKey: [(db) => db.removeKey('secret')],
  backup: [(db, { target }) => db.backup(target)],
  exportTo: [(db, { target }) => db.exportTo(`${target}.ndjson`)],
  importFrom: [
    (db) => db.importFrom(['{ "id": 100, "v": "x", "n": "w" }'], { store: 's' }),
    is(100, 'w'),
  ],
  verify: [(db) => db.verify()],
  compact: [(db) => db.compact()],
  close: [(db) => db.close()],
  '[Symbol.asyncDispose]': [(db) => db[Symbol.asyncDispose]()],
}

const TRANSACTION: Calls = {
  mode: [(tx) => tx.mode],
  active: [(tx) => tx.active, property],
  storeNames: [(tx) => tx.storeNames, names],
  store: [(tx) => tx.store('s')],
  ...SCHEMA,
  savepoint: [(tx) => tx.savepoint((inner: any) => inner.store('s').get(1)), document],
  commit: [(tx) => tx.commit()],
  rollback: [(tx) => tx.rollback()],
  '[Symbol.asyncDispose]': [(tx) => tx[Symbol.asyncDispose]()],
}

const SNAPSHOT: Calls = {
  storeNames: [(snapshot) => snapshot.storeNames, names],
  closed: [(snapshot) => snapshot.closed, property],
  store: [(snapshot) => snapshot.store('s')],
  close: [(snapshot) => snapshot.close()],
  '[Symbol.dispose]': [(snapshot) => snapshot[Symbol.dispose]()],
  '[Symbol.asyncDispose]': [(snapshot) => snapshot[Symbol.asyncDispose]()],
}

const STORE: Calls = {
  name: [(store) => store.name],
  keyPath: [(store) => store.keyPath],
  autoIncrement: [(store) => store.autoIncrement],
  indexNames: [(store) => store.indexNames],
  vectorIndexNames: [(store) => store.vectorIndexNames],
  add: [(store) => store.add({ id: 100, v: 'x', n: 'w' }), is(100, 'w')],
  put: [(store) => store.put({ id: 100, v: 'x', n: 'w' }), is(100, 'w')],
  putMany: [(store) => store.putMany([{ id: 100, v: 'x', n: 'w' }]), is(100, 'w')],
  update: [(store) => store.update(1, { $set: { n: 'w' } }), is(1, 'w')],
  upsert: [(store) => store.upsert({ id: 100, v: 'x', n: 'w' }), is(100, 'w')],
  get: [(store) => store.get(1), document],
  getSync: [(store) => store.getSync(1), document],
  getMany: [(store) => store.getMany([1, 2]), document],
  has: [async (store) => ((await store.has(5)) ? 5 : (await store.has(10)) ? 10 : 20), key],
  delete: [(store) => store.delete(1), is(1)],
  deleteMany: [(store) => store.deleteMany([1, 2]), is(1)],
  clear: [(store) => store.clear(), is(1)],
  find: [(store) => store.find({ v: { $gte: 'a' } }).toArray(), document],
  findOne: [(store) => store.findOne({ v: 'a' }), document],
  query: [(store) => store.query().where('v', '>=', 'a').count(), total],
  prepare: [(store) => store.prepare({ v: 'a' }).run().first(), document],
  nearest: [
    async (store) => (await store.nearest('near', [1])).map(({ doc }: any) => doc),
    document,
  ],
  nearestMany: [
    async (store) => (await store.nearestMany('near', [[1]]))[0].map(({ doc }: any) => doc),
    document,
  ],
  recommend: [
    async (store) => {
      const found = await store.recommend('near', { positive: [{ vector: [1] }] })
      return found.map(({ doc }: any) => doc)
    },
    document,
  ],
  aggregate: [(store) => store.aggregate([{ $match: { v: 'a' } }]).first(), document],
  count: [(store) => store.count(), total],
  getAll: [(store) => store.getAll(), document],
  getAllKeys: [(store) => store.getAllKeys(), total],
  getKey: [(store) => store.getKey({ gte: 5 }), key],
  ...SCANS,
  openCursor: [
    async (store) => {
      await using cursor = store.openCursor()
      await cursor.next()
      return cursor.value
    },
    document,
  ],
  index: [(store) => store.index('byV').name],
}

const INDEX: Calls = {
  name: [(index) => index.name],
  storeName: [(index) => index.storeName],
  on: [(index) => index.on],
  unique: [(index) => index.unique],
  multiEntry: [(index) => index.multiEntry],
  sparse: [(index) => index.sparse],
  where: [(index) => index.where],
  collation: [(index) => index.collation],
  state: [(index) => index.state],
  get: [(index) => index.get('a'), document],
  getKey: [(index) => index.getKey('zz'), key],
  getAll: [(index) => index.getAll(), document],
  getAllKeys: [(index) => index.getAllKeys(), total],
  count: [(index) => index.count(), total],
  ...SCANS,
  openCursor: [
    async (index) => {
      await using cursor = index.openCursor()
      await cursor.next()
      return cursor.value
    },
    document,
  ],
}

const CURSOR: Calls = {
  direction: [(cursor) => cursor.direction],
  key: [(cursor) => cursor.key],
  primaryKey: [(cursor) => cursor.primaryKey],
  value: [(cursor) => cursor.value],
  done: [(cursor) => cursor.done],
  next: [async (cursor) => ((await cursor.next()) ? cursor.value : undefined), document],
  seek: [async (cursor) => ((await cursor.seek(4)) ? cursor.key : undefined), key],
  update: [(cursor) => cursor.update({ id: 1, v: 'a', n: 'w' }), is(1, 'w')],
  delete: [(cursor) => cursor.delete(), is(1)],
  close: [(cursor) => cursor.close()],
  '[Symbol.asyncDispose]': [(cursor) => cursor[Symbol.asyncDispose]()],
  '[Symbol.asyncIterator]': [async (cursor) => (await first(cursor))?.direction],
}

const SCAN: Calls = {
  toArray: [(scan) => scan.toArray(), document],
  keys: [(scan) => scan.keys().toArray(), total],
  entries: [async (scan) => (await scan.entries().toArray())[0].value, document],
  '[Symbol.asyncIterator]': [(scan) => first(scan), document],
}

const SCAN_ITERATOR: Calls = {
  next: [async (iterator) => (await iterator.next()).value, document],
  return: [(iterator) => iterator.return()],
  throw: [
    async (iterator) => {
      const thrown = new RangeError('thrown on purpose')
      await iterator.throw(thrown).catch((error: unknown) => {
        if (error !== thrown) throw error
      })
    },
  ],
  '[Symbol.asyncDispose]': [(iterator) => iterator[Symbol.asyncDispose]()],
  '[Symbol.asyncIterator]': [(iterator) => iterator[Symbol.asyncIterator]() === iterator],
}

/** A query as its methods change it. */
const asked = (ask: (query: any) => any): [(query: any) => unknown, Extra] => [
  (query) => ask(query).count(),
  total,
]

const rethrow = (error: unknown): never => {
  throw error
}

const QUERY: Calls = {
  sort: [(query) => query.sort('v').toArray(), document],
  orderBy: [(query) => query.orderBy('v').toArray(), document],
  orderByAsc: [(query) => query.orderByAsc('v').toArray(), document],
  orderByDesc: [(query) => query.orderByDesc('v').toArray(), document],
  limit: asked((query) => query.limit(100)),
  skip: asked((query) => query.skip(0)),
  offset: asked((query) => query.offset(0)),
  select: [(query) => query.select('n').toArray(), document],
  collation: asked((query) => query.collation({ locale: 'en' })),
  hint: asked((query) => query.hint('byV')),
  signal: asked((query) => query.signal(new AbortController().signal)),
  filter: asked((query) => query.filter(() => true)),
  cursor: [async (query) => (await query.cursor(null).page({ size: 9 })).items, document],
  keys: [(query) => query.keys().toArray(), total],
  entries: [async (query) => (await query.entries())[0].value, document],
  toArray: [(query) => query.toArray(), document],
  // oxlint-disable-next-line unicorn/no-thenable -- it is the name of a method
  then: [(query) => query.then((rows: any) => rows), document],
  catch: [(query) => query.catch(rethrow), document],
  finally: [(query) => query.finally(() => {}), document],
  '[Symbol.asyncIterator]': [(query) => first(query), document],
  first: [(query) => query.first(), document],
  exists: [async (query) => String(await query.exists()), property],
  count: [(query) => query.count(), total],
  page: [async (query) => (await query.page({ size: 9 })).items, document],
  explain: [async (query) => (await query.explain()).returned, total],
  join: [async (query) => (await query.join('t', { local: 'v', foreign: 'id' }))[0], document],
  groupBy: [async (query) => (await query.groupBy('n').first()).n, property],
  stages: [(query) => query.stages([]).toArray(), document],
  sum: [async (query) => String((await query.sum('id')) > 0), property],
  avg: [async (query) => String((await query.avg('id')) > 0), property],
  min: [(query) => query.min('n'), property],
  max: [(query) => query.max('n'), property],
  distinct: [async (query) => (await query.distinct('n'))[0], property],
  update: [(query) => query.update({ $set: { n: 'w' } }), is(1, 'w')],
  delete: [(query) => query.delete(), is(1)],
}

const PIPELINE: Calls = {
  having: [(rows) => rows.having('v', 'a').first(), document],
  join: [(rows) => rows.join('t', { local: 'v', foreign: 'id' }).first(), document],
  groupBy: [async (rows) => (await rows.groupBy('n').first()).n, property],
  sort: [(rows) => rows.sort('v').toArray(), document],
  orderByAsc: [(rows) => rows.orderByAsc('v').toArray(), document],
  orderByDesc: [(rows) => rows.orderByDesc('v').toArray(), document],
  limit: asked((rows) => rows.limit(100)),
  skip: asked((rows) => rows.skip(0)),
  offset: asked((rows) => rows.offset(0)),
  select: [(rows) => rows.select('n').toArray(), document],
  stages: [(rows) => rows.stages([]).toArray(), document],
  signal: asked((rows) => rows.signal(new AbortController().signal)),
  toArray: [(rows) => rows.toArray(), document],
  // oxlint-disable-next-line unicorn/no-thenable -- it is the name of a method
  then: [(rows) => rows.then((all: any) => all), document],
  catch: [(rows) => rows.catch(rethrow), document],
  finally: [(rows) => rows.finally(() => {}), document],
  '[Symbol.asyncIterator]': [(rows) => first(rows), document],
  first: [(rows) => rows.first(), document],
  count: [(rows) => rows.count(), total],
  explain: [async (rows) => (await rows.explain()).returned, total],
  toStages: [(rows) => rows.toStages()],
}

/** Methods that act on more than what they are called on, and so have a database of their own. */
const ALONE = new Set([
  'Database.begin',
  'Database.compact',
  'Database.close',
  'Database.[Symbol.asyncDispose]',
  'Database.deleteSpace',
  'Transaction.commit',
  'Transaction.rollback',
  'Transaction.[Symbol.asyncDispose]',
])

/** The rows in groups: those of one group do not disturb each other. */
export function groupsOf(rows: readonly Row[], inert: boolean): Row[][] {
  if (inert) return [[...rows]]
  const isAlone = ({ of, method, wrote }: Row): boolean =>
    wrote !== undefined || ALONE.has(`${of}.${method}`)
  const together = rows.filter((row) => !isAlone(row))
  return [together, ...rows.filter(isAlone).map((row) => [row])]
}

export const ROWS: readonly Row[] = [
  ...rowsOf('Database', DATABASE),
  ...rowsOf('Transaction', TRANSACTION),
  ...rowsOf('Snapshot', SNAPSHOT),
  ...rowsOf('Store', STORE),
  ...rowsOf('Index', INDEX),
  ...rowsOf('Cursor', CURSOR),
  ...rowsOf('Scan', SCAN),
  ...rowsOf('ScanIterator', SCAN_ITERATOR),
  ...rowsOf('Query', QUERY),
  ...rowsOf('Pipeline', PIPELINE),
]

/** The classes that have a row for each method and property. */
export const CLASSES = [...new Set(ROWS.map(({ of }) => of))]
