/** One store, its indexes and its key generator, in memory. */

import { compareKeys, compareLists, isComponent, isStoreKey, normalized, type Key } from './keys'
import { isWithin, type Query, type ReadOptions } from './queries'

/** A failure that the database has to report, too. */
export class Refusal extends Error {
  constructor(readonly code: string) {
    super(code)
  }
}

/** Options of a store, as `createObjectStore` takes them. */
export interface StoreOptions {
  keyPath?: string | string[]
  autoIncrement?: boolean
  key?: 'uuidv7'
  compression?: 'none' | 'lz4' | 'zstd'
}

/** Options of an index, as `createIndex` takes them. */
export interface IndexOptions {
  unique?: boolean
  multiEntry?: boolean
  sparse?: boolean
}

/** A row of a store or an index. */
export interface Row {
  key: Key
  primaryKey: Key
  value: any
}

interface Entry {
  components: Key[]
  primaryKey: Key
  value: any
}

/** Where `compare` is no longer negative in sorted rows; whether it is zero there. */
function search<T>(rows: readonly T[], compare: (row: T) => number): [at: number, found: boolean] {
  let low = 0
  let high = rows.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compare(rows[middle]!) < 0) low = middle + 1
    else high = middle
  }
  return [low, low < rows.length && compare(rows[low]!) === 0]
}

/** What stands at a path through plain objects: MISSING, or THROUGH_ARRAY if it enters an array. */
const MISSING = Symbol('missing')
const THROUGH_ARRAY = Symbol('through array')

function lookUp(value: any, path: string): unknown {
  for (const name of path.split('.')) {
    if (Array.isArray(value)) return THROUGH_ARRAY
    const isObject =
      typeof value === 'object' &&
      value !== null &&
      Object.getPrototypeOf(value) === Object.prototype
    if (!isObject || !Object.hasOwn(value, name)) return MISSING
    value = value[name]
  }
  return value
}

/** An index. */
export class IndexModel {
  readonly parts: { path: string; descending: boolean }[]
  readonly compound: boolean
  entries: Entry[] = []

  constructor(
    readonly on: string | string[],
    readonly options: IndexOptions,
  ) {
    this.compound = Array.isArray(on)
    this.parts = (Array.isArray(on) ? on : [on]).map((path) => {
      const descending = path.startsWith('-')
      return { path: descending ? path.slice(1) : path, descending }
    })
  }

  copy(): IndexModel {
    const copy = new IndexModel(this.on, this.options)
    copy.entries = this.entries.slice()
    return copy
  }

  /** In the order of the index: by components, each in its direction, as far as both go. */
  compareComponents(a: readonly Key[], b: readonly Key[]): number {
    for (let i = 0; i < a.length && i < b.length; i++) {
      const order = compareKeys(a[i]!, b[i]!)
      if (order !== 0) return this.parts[i]!.descending ? -order : order
    }
    return 0
  }

  compare(components: readonly Key[], primaryKey: Key, other: Entry): number {
    const order = this.compareComponents(components, other.components)
    return order === 0 ? compareKeys(primaryKey, other.primaryKey) : order
  }

  /** The keys of a document that reads of the index see. */
  keysOf(document: any): Key[][] {
    const values = this.parts.map(({ path }) => lookUp(document, path))
    if (values.includes(THROUGH_ARRAY)) return []
    const isMissing = (value: unknown): boolean => value === MISSING || value === undefined
    if (this.options.sparse && values.every(isMissing)) return []
    if (!this.compound && this.options.multiEntry && Array.isArray(values[0])) {
      return this.elementsOf(values[0])
    }
    // Which of several arrays an entry is for cannot be told.
    if (values.filter((value) => Array.isArray(value)).length > 1) return []
    const key = values.map((value) => (isMissing(value) ? null : value))
    return key.every(isComponent) ? [key.map(normalized)] : []
  }

  private elementsOf(array: unknown[]): Key[][] {
    const keys: Key[][] = []
    array.forEach((element) => {
      const value = element === undefined ? null : element
      if (!isComponent(value)) return
      const key = [normalized(value)]
      if (keys.every((other) => compareLists(other, key) !== 0)) keys.push(key)
    })
    return keys
  }

  add(primaryKey: Key, value: any): void {
    for (const components of this.keysOf(value)) {
      const [at] = search(this.entries, (entry) => -this.compare(components, primaryKey, entry))
      this.entries.splice(at, 0, { components, primaryKey, value })
    }
  }

  remove(primaryKey: Key, value: any): void {
    for (const components of this.keysOf(value)) {
      const compare = (entry: Entry): number => -this.compare(components, primaryKey, entry)
      const [at, found] = search(this.entries, compare)
      if (!found) throw new Error('the model has lost an entry')
      this.entries.splice(at, 1)
    }
  }

  /** @throws {Refusal} UNIQUE_VIOLATION */
  check(primaryKey: Key, value: any): void {
    if (!this.options.unique) return
    for (const components of this.keysOf(value)) {
      if (components.includes(null)) continue
      const compare = (entry: Entry): number =>
        -this.compareComponents(components, entry.components)
      for (let [at] = search(this.entries, compare); at < this.entries.length; at++) {
        const entry = this.entries[at]!
        if (compare(entry) !== 0) break
        if (compareKeys(entry.primaryKey, primaryKey) !== 0) throw new Refusal('UNIQUE_VIOLATION')
      }
    }
  }

  /** Whether an entry is in a range: a bound of fewer components stands for all that begin so. */
  private includes(query: Query, components: Key[]): boolean {
    return isWithin(query, (bound) => {
      const parts = this.compound && Array.isArray(bound) ? bound : [bound]
      const order = compareLists(components.slice(0, parts.length), parts)
      return order === 0 && parts.length > components.length ? -1 : order
    })
  }

  rows(query: Query): Row[] {
    const rows: Row[] = []
    for (const { components, primaryKey, value } of this.entries) {
      if (!this.includes(query, components)) continue
      rows.push({ key: this.compound ? components : components[0]!, primaryKey, value })
    }
    return rows
  }

  /**
   * A compound index takes arrays; primary keys stand behind whole keys.
   *
   * @throws {Refusal} INVALID_KEY, INVALID_ARGUMENT for what is no point
   */
  checkPoint(key: Key, primaryKey: Key | undefined): void {
    if (!this.compound) return
    if (!Array.isArray(key) || key.length > this.parts.length) throw new Refusal('INVALID_KEY')
    const isPrefix = key.length < this.parts.length
    if (isPrefix && primaryKey !== undefined) throw new Refusal('INVALID_ARGUMENT')
  }

  /** Where a row stands relative to a point: some components, and perhaps a primary key. */
  compareToPoint(row: Row, key: Key, primaryKey: Key | undefined): number {
    const listOf = (value: Key): Key[] => (this.compound ? (value as Key[]) : [value])
    const order = this.compareComponents(listOf(row.key), listOf(key))
    if (order !== 0 || primaryKey === undefined) return order
    return compareKeys(row.primaryKey, primaryKey)
  }
}

/** How many keys had to be made up, since the database made none: it failed to write. */
let unknownKeys = 0

/** The last number of a key generator. */
const LAST_GENERATED = 2 ** 53

/** A store. */
export class StoreModel {
  rows: Row[] = []
  indexes = new Map<string, IndexModel>()
  /** The key generator's current number. */
  next = 1

  constructor(readonly options: StoreOptions) {}

  copy(): StoreModel {
    const copy = new StoreModel(this.options)
    copy.rows = this.rows.slice()
    for (const [name, index] of this.indexes) copy.indexes.set(name, index.copy())
    copy.next = this.next
    return copy
  }

  get(key: Key): any {
    const [at, found] = this.find(normalized(key))
    return found ? this.rows[at]!.value : undefined
  }

  private find(key: Key): [number, boolean] {
    return search(this.rows, (row) => compareKeys(row.key, key))
  }

  /**
   * Stores a document.
   *
   * @param made the key that the database made, where a model cannot know it
   * @returns the key
   */
  put(document: any, given: Key | undefined, isAdd: boolean, made: Key | undefined): Key {
    const { key, value } = this.resolve(document, given, made)
    const [at, found] = this.find(key)
    if (found && isAdd) throw new Refusal('KEY_EXISTS')
    for (const index of this.indexes.values()) index.check(key, value)
    if (this.options.autoIncrement && (typeof key === 'number' || typeof key === 'bigint')) {
      const whole = Math.floor(Math.min(Number(key), LAST_GENERATED))
      if (whole >= this.next) this.next = whole === LAST_GENERATED ? Infinity : whole + 1
    }
    if (found) this.removeAt(at)
    this.rows.splice(at, 0, { key, primaryKey: key, value })
    for (const index of this.indexes.values()) index.add(key, value)
    return key
  }

  /** Finds a document's key, or makes one. */
  private resolve(
    document: any,
    given: Key | undefined,
    made: Key | undefined,
  ): { key: Key; value: any } {
    const { keyPath, autoIncrement, key: kind } = this.options
    const generate = (): Key => {
      if (kind === 'uuidv7') return made ?? `unknown ${unknownKeys++}`
      if (this.next > LAST_GENERATED) throw new Refusal('RESOURCE_LIMIT')
      return this.next
    }
    if (keyPath === undefined) {
      if (given === undefined) {
        if (!autoIncrement && kind === undefined) throw new Refusal('INVALID_KEY')
        return { key: generate(), value: document }
      }
      if (!isStoreKey(given)) throw new Refusal('INVALID_KEY')
      return { key: normalized(given), value: document }
    }
    if (given !== undefined) throw new Refusal('INVALID_ARGUMENT')
    if (Array.isArray(keyPath)) {
      const parts = keyPath.map((path) => lookUp(document, path))
      if (!parts.every(isStoreKey)) throw new Refusal('INVALID_KEY')
      return { key: parts.map(normalized), value: document }
    }
    const found = lookUp(document, keyPath)
    if (found === MISSING || found === undefined) {
      if (!autoIncrement && kind === undefined) throw new Refusal('INVALID_KEY')
      const key = generate()
      return { key, value: injected(document, keyPath.split('.'), key) }
    }
    if (!isStoreKey(found)) throw new Refusal('INVALID_KEY')
    return { key: normalized(found), value: document }
  }

  private removeAt(at: number): void {
    const { key, value } = this.rows[at]!
    for (const index of this.indexes.values()) index.remove(key, value)
    this.rows.splice(at, 1)
  }

  delete(key: Key): number {
    const [at, found] = this.find(normalized(key))
    if (found) this.removeAt(at)
    return found ? 1 : 0
  }

  deleteRange(query: Query): number {
    const rows = this.rowsIn(query)
    for (const { key } of rows) this.delete(key)
    return rows.length
  }

  clear(): void {
    this.rows = []
    for (const index of this.indexes.values()) index.entries = []
  }

  createIndex(name: string, on: string | string[], options: IndexOptions): void {
    if (this.indexes.has(name)) throw new Refusal('INDEX_EXISTS')
    const index = new IndexModel(on, options)
    for (const { key, value } of this.rows) {
      index.check(key, value)
      index.add(key, value)
    }
    this.indexes.set(name, index)
  }

  index(name: string): IndexModel {
    const index = this.indexes.get(name)
    if (index === undefined) throw new Refusal('INDEX_NOT_FOUND')
    return index
  }

  rowsIn(query: Query): Row[] {
    return this.rows.filter(({ key }) => isWithin(query, (bound) => compareKeys(key, bound)))
  }

  /** The rows of the store or one of its indexes. */
  select(index: string | undefined, query: Query, options: ReadOptions = {}): Row[] {
    let rows = index === undefined ? this.rowsIn(query) : this.index(index).rows(query)
    if (options.unique) {
      // The first of the equal ones has the least primary key.
      rows = rows.filter((row, i) => i === 0 || compareKeys(rows[i - 1]!.key, row.key) !== 0)
    }
    if (options.reverse) rows.reverse()
    const from = options.offset ?? 0
    return rows.slice(from, options.limit === undefined ? undefined : from + options.limit)
  }
}

/** A copy of a document with a field at a path, whose objects are made where they are missing. */
function injected(document: any, [name, ...rest]: string[], key: Key): any {
  const value = rest.length === 0 ? key : injected(document[name!] ?? {}, rest, key)
  return { ...document, [name!]: value }
}
