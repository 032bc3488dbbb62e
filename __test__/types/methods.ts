// The type of every public method and property, and what each refuses.

import { KeyRange, compareKeys, files, open, repair, restore } from '../../index.js'
import type {
  Cursor,
  Database,
  DatabaseStats,
  Diagnostics,
  ErrorCode,
  Entry,
  Index,
  Key,
  Nearest,
  NearestExplanation,
  NearestHit,
  OpenOptions,
  PutManyOptions,
  PutManyResult,
  ReadOptions,
  ReadableStore,
  RepairReport,
  Scan,
  ScanIterator,
  Snapshot,
  Store,
  Transaction,
  VerifyFindingKind,
  VerifyReport,
} from '../../index.js'

/** Compiles only if both types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function is<T extends true>(): T | void {}

interface Visit {
  place: readonly [string, number]
  at: Date
}

type Types = {
  visits: {
    document: Visit
    key: [string, number]
    insert: Visit & { note?: string }
    indexes: { byAt: Date; byCityAge: [string, number]; byGone: boolean | null }
  }
  logs: { document: string; key: number }
}

export async function databases(db: Database<Types>): Promise<void> {
  is<Same<typeof db.path, string>>()
  is<Same<typeof db.space, string | undefined>>()
  is<Same<typeof db.closed, boolean>>()
  is<Same<typeof db.storeNames, string[]>>()
  const opened = await open<Types>('./data', { mode: undefined, mapSize: undefined })
  is<Same<typeof opened, Database<Types>>>()
  const options: OpenOptions = { stores: { visits: { keyPath: undefined, indexes: undefined } } }
  const loose: Database = await open('./data', options)

  const visits = db.store('visits')
  const more = await db.createObjectStore<Visit, string>('more', { autoIncrement: undefined })
  is<Same<typeof more, Store<Visit, string>>>()
  is<Same<Awaited<ReturnType<typeof db.deleteObjectStore>>, void>>()
  await db.deleteObjectStore('visits')
  await db.renameObjectStore('visits', 'seen')
  await db.createIndex('visits', 'byNote', ['note', '-at'], {
    sparse: undefined,
    signal: undefined,
  })
  await db.deleteIndex('visits', 'byNote')
  await db.renameIndex('visits', 'byNote', 'byText')

  const result = await db.transaction((tx) => tx.store('logs').count(), { stores: 'logs' })
  is<Same<typeof result, number>>()
  const sync = await db.transaction(() => 'x' as const, { timeout: undefined })
  is<Same<typeof sync, 'x'>>()
  const tx = await db.begin({ stores: ['logs', 'visits'], mode: 'readwrite' })
  is<Same<typeof tx, Transaction<Types>>>()
  const outside = db.outside(() => 5)
  is<Same<typeof outside, number>>()
  const snapshot = await db.snapshot()
  is<Same<typeof snapshot, Snapshot<Types>>>()
  const spaces = await db.spaces()
  is<Same<typeof spaces, string[]>>()
  const stats = await db.stats()
  is<Same<typeof stats, DatabaseStats>>()
  await db.deleteSpace('x')
  await db.flush()
  await db.backup('x', { spaces: undefined, onProgress: ({ done, total }) => done / total })
  const count = await db.exportTo(process.stdout, { store: 'x', format: 'csv', columns: ['a'] })
  is<Same<typeof count, number>>()
  const { errors } = await db.importFrom(process.stdin, { checkpoint: { store: 'x', key: 1 } })
  errors.map(({ line, code }) => [line.toFixed(), code satisfies ErrorCode])
  // @ts-expect-error there is no such format
  await db.exportTo('x', { format: 'xml' })
  await db.compact({ signal: AbortSignal.timeout(5) })
  const summary = await db.diagnostics({ names: true })
  is<Same<typeof summary, Diagnostics>>()
  const restored = await restore('x', 'y', { onProgress: ({ phase }) => phase })
  is<Same<typeof restored, VerifyReport>>()
  const repaired = await repair('x', 'y', { maxFindings: 5 })
  is<Same<typeof repaired, RepairReport>>()
  const [file] = await files('x')
  is<Same<NonNullable<typeof file>['role'], 'data' | 'lock' | 'graph' | 'leftover'>>()
  await open('x', { onIntegrityError: (error) => error.code })
  const report = await db.verify({ level: 'quick', maxFindings: 5 })
  is<Same<typeof report, VerifyReport>>()
  const kinds = report.findings.map(({ kind, key }) => [kind, key] as const)
  is<Same<typeof kinds, (readonly [VerifyFindingKind, Key | Uint8Array | undefined])[]>>()
  db.on('error', (error) => error.at?.toFixed())
    .once('close', () => {})
    .off('warning', () => {})
  await db.close()
  await using disposed = db

  // @ts-expect-error the stores are typed
  db.store('nowhere')
  // @ts-expect-error properties are read only
  db.path = 'x'
  // @ts-expect-error the result has to be somewhere
  await repair('x')
  // @ts-expect-error there are two levels
  await db.verify({ level: 'deep' })
  // @ts-expect-error compact copies no spaces
  await db.compact({ spaces: true })
  // @ts-expect-error one durability is not of transactions
  await db.transaction(() => {}, { durability: 'none' })
  // @ts-expect-error a function is needed
  db.outside()
  // @ts-expect-error a name is needed
  await db.deleteSpace()
  void [loose, visits, disposed]
}

export async function transactions(tx: Transaction<Types>): Promise<void> {
  is<Same<typeof tx.mode, 'readwrite' | 'readonly'>>()
  is<Same<typeof tx.active, boolean>>()
  is<Same<typeof tx.storeNames, string[]>>()
  const key = await tx.store('logs').put('line')
  is<Same<typeof key, number>>()
  const inner = await tx.savepoint(async (nested) => nested.store('visits').count())
  is<Same<typeof inner, number>>()
  await tx.createIndex('logs', 'x', '-x', { unique: undefined })
  await tx.commit()
  await tx.rollback()
  await using disposed = tx
  // @ts-expect-error the mode is read only
  tx.mode = 'readonly'
  // @ts-expect-error transactions have no snapshots
  await tx.snapshot()
  void disposed
}

export async function snapshots(snapshot: Snapshot<Types>): Promise<void> {
  is<Same<typeof snapshot.storeNames, string[]>>()
  is<Same<typeof snapshot.closed, boolean>>()
  const logs = snapshot.store('logs')
  const line = await logs.get(1)
  is<Same<typeof line, string | undefined>>()
  const named: ReadableStore<Visit, string> = snapshot.store<Visit, string>('visits')
  snapshot.close()
  using disposed = snapshot
  // @ts-expect-error a snapshot cannot be written to
  await logs.put('line')
  // @ts-expect-error a snapshot cannot be written to
  await logs.delete(1)
  void [named, disposed]
}

export async function writes(visits: Store<Visit, number>): Promise<void> {
  const visit: Visit = { place: ['x', 1], at: new Date() }
  is<Same<Awaited<ReturnType<typeof visits.add>>, number>>()
  await visits.add(visit, 1)
  await visits.put(visit)
  const deleted = [
    await visits.delete(1),
    await visits.delete({ gt: 1 }),
    await visits.deleteMany([1]),
  ]
  is<Same<typeof deleted, number[]>>()
  await visits.deleteMany(new Set([1, 2]))
  is<Same<Awaited<ReturnType<typeof visits.clear>>, void>>()

  const pairs = new Map([[1, visit]])
  async function* stream(): AsyncGenerator<Visit> {
    yield visit
  }
  const all = await visits.putMany([visit])
  is<Same<typeof all, number[]>>()
  const streamed = await visits.putMany(stream(), { atomic: undefined })
  is<Same<typeof streamed, number[]>>()
  const each = await visits.putMany([visit], { atomic: false })
  is<Same<typeof each, PutManyResult<number>>>()
  const entries = await visits.putMany(pairs, { entries: true })
  is<Same<typeof entries, number[]>>()
  const eachEntry = await visits.putMany(pairs, { entries: true, atomic: false })
  is<Same<typeof eachEntry, PutManyResult<number>>>()
  const atomic: boolean = deleted.length > 1
  const either = await visits.putMany([visit], { atomic })
  is<Same<typeof either, number[] | PutManyResult<number>>>()
  const eitherEntry = await visits.putMany(pairs, { entries: true, atomic })
  is<Same<typeof eitherEntry, number[] | PutManyResult<number>>>()
  const options: PutManyOptions = { atomic: undefined, entries: undefined }

  // @ts-expect-error the key is a number
  await visits.add(visit, 'x')
  // @ts-expect-error a field is missing
  await visits.put({ at: new Date() })
  // @ts-expect-error documents are no pairs
  await visits.putMany([visit], { entries: true })
  // @ts-expect-error pairs are no documents
  await visits.putMany(pairs, { atomic: false })
  // @ts-expect-error deleteMany takes keys, not ranges
  await visits.deleteMany([{ gt: 1 }])
  // @ts-expect-error what is deleted must be named
  await visits.delete()
  void options
}

export async function reads(store: ReadableStore<Visit, number>): Promise<void> {
  is<Same<typeof store.name, string>>()
  is<Same<typeof store.keyPath, string | string[] | null>>()
  is<Same<typeof store.autoIncrement, boolean>>()
  is<Same<typeof store.indexNames, string[]>>()
  const one = [await store.get(1), store.getSync(1), ...(await store.getMany([1]))]
  is<Same<typeof one, (Visit | undefined)[]>>()
  const has = await store.has(1)
  is<Same<typeof has, boolean>>()
  const numbers = [await store.count(), await store.count(1), await store.count({ gte: 1, lt: 2 })]
  is<Same<typeof numbers, number[]>>()
  const limit: number | undefined = numbers[0]
  const documents = await store.getAll({ gt: 1, limit, reverse: undefined })
  is<Same<typeof documents, Visit[]>>()
  const keys = await store.getAllKeys(KeyRange.bound(1, 5), { limit, offset: undefined })
  is<Same<typeof keys, number[]>>()
  const first = await store.getKey(KeyRange.upperBound(9, true))
  is<Same<typeof first, number | undefined>>()
  is<Same<ReturnType<typeof store.range>, Scan<Visit, Visit, number, number>>>()
  is<Same<ReturnType<typeof store.keys>, Scan<number, Visit, number, number>>>()
  const entries = await store.entries(undefined, { reverse: true }).toArray()
  is<Same<typeof entries, Entry<Visit, number, number>[]>>()
  for await (const visit of store) is<Same<typeof visit, Visit>>()
  const options: ReadOptions = { reverse: undefined, limit: undefined, offset: undefined }

  // @ts-expect-error a bound that is undefined is not a key
  await store.getAll({ gt: undefined })
  // @ts-expect-error only indexes are unique
  store.range({ unique: true })
  // @ts-expect-error the bounds are numbers
  await store.getAll(KeyRange.lowerBound('x'))
  // @ts-expect-error there is no such member
  store.range({ from: 1 })
  // @ts-expect-error a key is needed
  await store.get()
  void options
}

export async function scans(scan: Scan<Visit, Visit, number, Date>): Promise<void> {
  const rows = await scan.toArray()
  is<Same<typeof rows, Visit[]>>()
  const keys = await scan.keys().toArray()
  is<Same<typeof keys, number[]>>()
  for await (const { key, primaryKey, value } of scan.entries()) {
    is<Same<typeof key, Date>>()
    is<Same<typeof primaryKey, number>>()
    is<Same<typeof value, Visit>>()
  }
  const iterator = scan[Symbol.asyncIterator]()
  is<Same<typeof iterator, ScanIterator<Visit>>>()
  const step = await iterator.next()
  if (step.done !== true) is<Same<typeof step.value, Visit>>()
  await iterator.return()
  await iterator.throw(new Error())
  await using disposed = iterator
  void disposed
}

export async function indexes(db: Database<Types>): Promise<void> {
  const visits = db.store('visits')
  const byAt = visits.index('byAt')
  is<Same<typeof byAt, Index<Visit, [string, number], Date, Visit & { note?: string }>>>()
  is<Same<typeof byAt.on, string | string[]>>()
  is<Same<typeof byAt.state, 'ready' | 'building'>>()
  const flags = [byAt.unique, byAt.multiEntry, byAt.sparse]
  is<Same<typeof flags, boolean[]>>()
  const names = [byAt.name, byAt.storeName]
  is<Same<typeof names, string[]>>()
  const found = [await byAt.get(new Date()), ...(await byAt.getAll({ gte: new Date() }))]
  is<Same<typeof found, (Visit | undefined)[]>>()
  const keys = [await byAt.getKey(), ...(await byAt.getAllKeys({ unique: true }))]
  is<Same<typeof keys, ([string, number] | undefined)[]>>()
  const count: number = await byAt.count(KeyRange.lowerBound(new Date(0)))
  is<Same<ReturnType<typeof byAt.range>, Scan<Visit, Visit, [string, number], Date>>>()
  is<Same<ReturnType<typeof byAt.keys>, Scan<[string, number], Visit, [string, number], Date>>>()
  for await (const { key } of byAt.entries()) is<Same<typeof key, Date>>()
  for await (const visit of byAt) is<Same<typeof visit, Visit>>()

  const byCityAge = visits.index('byCityAge')
  await byCityAge.getAll(['Paris'])
  await byCityAge.getAll(['Paris', 5] as const)
  await byCityAge.getAll({ gte: ['Paris'], lt: ['Paris', 5] })
  await byCityAge.getAll(KeyRange.bound(['Paris'], ['Rome', 3]))
  await visits.index('byGone').getAll(null)
  await visits.index('byGone').count({ gte: false })
  await visits.getAll({ gte: ['a'], lt: ['b', 1] })
  await visits.get(['a', 1])

  // @ts-expect-error the city is a string
  await byCityAge.getAll([5])
  // @ts-expect-error there are two fields
  await byCityAge.getAll(['Paris', 5, 6])
  // @ts-expect-error the first of the two is no key
  await visits.get(['a'])
  // @ts-expect-error get needs a key or range
  await byAt.get()
  // @ts-expect-error indexes have no getSync
  byAt.getSync(new Date())
  void count
}

export async function cursors(db: Database<Types>): Promise<void> {
  const cursor = db
    .store('visits')
    .index('byCityAge')
    .openCursor(['Paris'], { direction: 'prevunique', values: undefined })
  is<
    Same<
      typeof cursor,
      Cursor<Visit, [string, number], [string, number], Visit & { note?: string }>
    >
  >()
  is<Same<typeof cursor.direction, 'next' | 'nextunique' | 'prev' | 'prevunique'>>()
  is<Same<typeof cursor.key, [string, number] | undefined>>()
  is<Same<typeof cursor.value, Visit | undefined>>()
  is<Same<typeof cursor.done, boolean>>()
  const moved = [await cursor.next(), await cursor.seek(['Paris']), await cursor.delete()]
  is<Same<typeof moved, boolean[]>>()
  await cursor.seek(['Paris', 3], ['x', 1])
  const key = await cursor.update({ place: ['x', 1], at: new Date(), note: 'seen' })
  is<Same<typeof key, [string, number]>>()
  for await (const same of cursor) is<Same<typeof same, typeof cursor>>()
  await cursor.close()
  await using disposed = cursor

  // @ts-expect-error there is no such direction
  db.store('logs').openCursor(undefined, { direction: 'back' })
  // @ts-expect-error what is current is read only
  cursor.key = ['x', 1]
  void disposed
}

export function keysAndRanges(): void {
  const order: -1 | 0 | 1 = compareKeys([1, 'a'], new Date())
  const only: KeyRange<number> = KeyRange.only(1)
  const below: KeyRange<string> = KeyRange.upperBound('x', true)
  const mixed: KeyRange<Key> = KeyRange.bound(1, ['x'])
  const bounds: [number | undefined, boolean, boolean] = [
    only.lower,
    only.lowerOpen,
    only.upperOpen,
  ]
  const inside: boolean = mixed.includes(5)
  // @ts-expect-error an object is not a key
  compareKeys({}, 1)
  // @ts-expect-error a range needs a key
  KeyRange.only()
  // @ts-expect-error ranges are immutable
  only.lower = 2
  void [order, below, bounds, inside]
}

export async function vectors(db: Database<Types>, loose: Database): Promise<void> {
  is<Same<Awaited<ReturnType<typeof db.createVectorIndex>>, void>>()
  await db.createVectorIndex('visits', 'near', 'at', { dimensions: 3, metric: 'dot' })
  await db.transaction((tx) => tx.createVectorIndex('logs', 'near', 'at', { dimensions: 3 }))
  // @ts-expect-error the dimensions are missing
  await db.createVectorIndex('visits', 'near', 'at', { metric: 'l2' })
  // @ts-expect-error no such metric
  await db.createVectorIndex('visits', 'near', 'at', { dimensions: 3, metric: 'angle' })
  // @ts-expect-error no such store
  await db.createVectorIndex('other', 'near', 'at', { dimensions: 3 })
  const built = await db.buildVectorGraph('visits', 'near', {
    rebuild: true,
    onProgress: ({ done, total }) => is<Same<typeof done, typeof total>>(),
    signal: undefined,
  })
  is<Same<typeof built, void>>()
  // @ts-expect-error there is no such store
  await db.buildVectorGraph('other', 'near')
  // @ts-expect-error there is no such option
  await db.buildVectorGraph('visits', 'near', { threads: 2 })
  const stores: OpenOptions['stores'] = {
    a: { vectors: { near: { on: 'v', dimensions: 8, metric: 'hamming' } } },
    b: { vectors: { near: { on: 'v', dimensions: 8, precision: 'i8', efSearch: 99 } } },
    // @ts-expect-error there is no such precision
    c: { vectors: { near: { on: 'v', dimensions: 8, precision: 'f64' } } },
  }
  await open('./data', { stores })

  const visits = db.store('visits')
  is<Same<typeof visits.vectorIndexNames, string[]>>()
  const search = visits.nearest('near', Float32Array.of(1), { k: 3, where: { at: new Date() } })
  is<Same<typeof search, Nearest<Visit, [string, number]>>>()
  const [hit] = await search
  is<Same<typeof hit, NearestHit<Visit, [string, number]> | undefined>>()
  const explained = await search.explain()
  is<Same<typeof explained, NearestExplanation>>()
  is<Same<typeof explained.nearest.method, 'exact' | 'graph' | "scan of the graph's vectors">>()
  const text = await search.explain({ format: 'text' })
  is<Same<typeof text, string>>()
  const many = await visits.nearestMany('near', [Float32Array.of(1), [2]], { mmr: { lambda: 0.5 } })
  is<Same<typeof many, NearestHit<Visit, [string, number]>[][]>>()
  const key: [string, number] = ['Rome', 1]
  const examples = { positive: [key, { vector: [1] }], negative: [key] }
  const like = await visits.recommend('near', examples)
  is<Same<typeof like, NearestHit<Visit, [string, number]>[]>>()
  // @ts-expect-error keys are of two parts
  void visits.recommend('near', { positive: ['x'] })
  // @ts-expect-error there has to be something to go by
  void visits.recommend('near', { negative: [1] })
  await visits.nearest('near', [1, 2], { select: ['at'], exact: true, includeVectors: undefined })
  const snapshot = await db.snapshot()
  await snapshot.store('visits').nearest('near', new Uint8Array(2), { maxDistance: 3 })
  await loose.store('any').nearest('near', new Int8Array(2), { where: { anything: 1 } })
  // @ts-expect-error not a vector
  visits.nearest('near', 'abc')
  // @ts-expect-error no such field
  visits.nearest('near', [1], { where: { att: 1 } })
  // @ts-expect-error no such option
  visits.nearest('near', [1], { ef: 3 })
}
