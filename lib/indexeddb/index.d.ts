/**
 * IndexedDB for Node.js, as the Indexed Database API 3.0 describes it, on Lodestore.
 *
 * Databases are spaces of the Lodestore database that `configure` names. They are on disk, and any
 * number of threads and processes may have them open at once.
 */

/** Says where databases are kept, before the first one is opened. */
export interface ConfigureOptions {
  /** A directory, which is created if need be. */
  path: string
  /** What transactions of durability `'default'` have reached at the end; default `'strict'`. */
  durability?: 'strict' | 'relaxed' | 'none'
  /** Encrypts the databases; see `open`. */
  encryption?: import('../../index').EncryptionOptions
}

/**
 * Says where databases are kept. Without it, the environment variable `LODESTORE_PATH` does.
 *
 * @throws {import('../../index').LodestoreError} `INVALID_ARGUMENT`
 */
export function configure(options: ConfigureOptions): void

/** What can be a key: a number, date, string, binary value, or array of keys. */
export type IDBValidKey = number | string | Date | ArrayBuffer | ArrayBufferView | IDBValidKey[]

export type IDBCursorDirection = 'next' | 'nextunique' | 'prev' | 'prevunique'
export type IDBRequestReadyState = 'done' | 'pending'
export type IDBTransactionDurability = 'default' | 'relaxed' | 'strict'
export type IDBTransactionMode = 'readonly' | 'readwrite' | 'versionchange'

/** Options of `getAll`, `getAllKeys` and `getAllRecords`. */
export interface IDBGetAllOptions {
  /** Default: everything. */
  query?: IDBValidKey | IDBKeyRange | null
  /** How many at most; default: all. */
  count?: number
  /** Default `'next'`. */
  direction?: IDBCursorDirection
}

export interface IDBIndexParameters {
  /** Whether each element of an array is a key of its own; default false. */
  multiEntry?: boolean
  /** Whether no two values may have the same key; default false. */
  unique?: boolean
}

export interface IDBObjectStoreParameters {
  /** Whether keys are generated for values without one; default false. */
  autoIncrement?: boolean
  /** Where values carry their keys; default: nowhere. */
  keyPath?: string | string[] | null
}

export interface IDBTransactionOptions {
  durability?: IDBTransactionDurability
}

export interface IDBVersionChangeEventInit {
  bubbles?: boolean
  cancelable?: boolean
  composed?: boolean
  newVersion?: number | null
  oldVersion?: number
}

export interface IDBDatabaseInfo {
  name: string
  version: number
}

type Handler<Target, Handled extends Event = Event> =
  ((this: Target, event: Handled) => unknown) | null

/** A sorted list of names. */
export class DOMStringList implements Iterable<string> {
  private constructor()
  readonly [index: number]: string
  readonly length: number
  contains(string: string): boolean
  item(index: number): string | null
  [Symbol.iterator](): ArrayIterator<string>
}

/** Opens, deletes and lists databases. */
export class IDBFactory {
  private constructor()
  /**
   * Opens a database, after an upgrade if its version is lower.
   *
   * @throws {TypeError} if the version is not a whole number from 1 on
   */
  open(name: string, version?: number): IDBOpenDBRequest
  /** Deletes a database, when nobody has it open any more. */
  deleteDatabase(name: string): IDBOpenDBRequest
  /** The names and versions of the databases. */
  databases(): Promise<IDBDatabaseInfo[]>
  /** Compares two keys. @throws {DOMException} `DataError` */
  cmp(first: unknown, second: unknown): -1 | 0 | 1
}

/** An operation that is under way, or what it has come to. */
export class IDBRequest<T = any> extends EventTarget {
  protected constructor()
  /** @throws {DOMException} `InvalidStateError` while it is pending */
  readonly result: T
  /** @throws {DOMException} `InvalidStateError` while it is pending */
  readonly error: DOMException | null
  readonly source: IDBObjectStore | IDBIndex | IDBCursor | null
  readonly transaction: IDBTransaction | null
  readonly readyState: IDBRequestReadyState
  onsuccess: Handler<IDBRequest<T>>
  onerror: Handler<IDBRequest<T>>
}

/** A request to open or delete a database. */
export class IDBOpenDBRequest extends IDBRequest<IDBDatabase> {
  private constructor()
  onblocked: Handler<IDBOpenDBRequest, IDBVersionChangeEvent>
  onupgradeneeded: Handler<IDBOpenDBRequest, IDBVersionChangeEvent>
}

/** The version of a database changes, or is wanted to. */
export class IDBVersionChangeEvent extends Event {
  constructor(type: string, eventInitDict?: IDBVersionChangeEventInit)
  readonly oldVersion: number
  /** Null if the database is being deleted. */
  readonly newVersion: number | null
}

/** A connection to a database. */
export class IDBDatabase extends EventTarget {
  private constructor()
  readonly name: string
  readonly version: number
  readonly objectStoreNames: DOMStringList
  onabort: Handler<IDBDatabase>
  onclose: Handler<IDBDatabase>
  onerror: Handler<IDBDatabase>
  onversionchange: Handler<IDBDatabase, IDBVersionChangeEvent>
  /**
   * Begins a transaction.
   *
   * @throws {DOMException} `InvalidStateError` in an upgrade or when it is closing;
   *   `NotFoundError`; `InvalidAccessError` without stores
   */
  transaction(
    storeNames: string | Iterable<string>,
    mode?: IDBTransactionMode,
    options?: IDBTransactionOptions,
  ): IDBTransaction
  /** Closes it when its transactions have ended. */
  close(): void
  /**
   * Creates an object store, in an upgrade.
   *
   * @throws {DOMException} `InvalidStateError`, `TransactionInactiveError`, `SyntaxError`,
   *   `ConstraintError`, `InvalidAccessError`
   */
  createObjectStore(name: string, options?: IDBObjectStoreParameters): IDBObjectStore
  /**
   * Deletes an object store, in an upgrade.
   *
   * @throws {DOMException} `InvalidStateError`, `TransactionInactiveError`, `NotFoundError`
   */
  deleteObjectStore(name: string): void
}

/** A transaction: it commits by itself when no request is left and nobody may make one. */
export class IDBTransaction extends EventTarget {
  private constructor()
  readonly db: IDBDatabase
  readonly durability: IDBTransactionDurability
  readonly error: DOMException | null
  readonly mode: IDBTransactionMode
  readonly objectStoreNames: DOMStringList
  onabort: Handler<IDBTransaction>
  oncomplete: Handler<IDBTransaction>
  onerror: Handler<IDBTransaction>
  /** @throws {DOMException} `InvalidStateError`, `NotFoundError` */
  objectStore(name: string): IDBObjectStore
  /** Undoes everything. @throws {DOMException} `InvalidStateError` */
  abort(): void
  /** Commits at once. @throws {DOMException} `InvalidStateError` */
  commit(): void
}

/** What stores and indexes have in common. */
declare abstract class Readable {
  protected constructor()
  get(query: IDBValidKey | IDBKeyRange): IDBRequest
  getKey(query: IDBValidKey | IDBKeyRange): IDBRequest<IDBValidKey | undefined>
  getAll(query?: IDBValidKey | IDBKeyRange | null, count?: number): IDBRequest<any[]>
  getAll(options: IDBGetAllOptions): IDBRequest<any[]>
  getAllKeys(query?: IDBValidKey | IDBKeyRange | null, count?: number): IDBRequest<IDBValidKey[]>
  getAllKeys(options: IDBGetAllOptions): IDBRequest<IDBValidKey[]>
  getAllRecords(options?: IDBGetAllOptions): IDBRequest<IDBRecord[]>
  count(query?: IDBValidKey | IDBKeyRange): IDBRequest<number>
  openCursor(
    query?: IDBValidKey | IDBKeyRange | null,
    direction?: IDBCursorDirection,
  ): IDBRequest<IDBCursorWithValue | null>
  openKeyCursor(
    query?: IDBValidKey | IDBKeyRange | null,
    direction?: IDBCursorDirection,
  ): IDBRequest<IDBCursor | null>
}

/** An object store, as a transaction has it. */
export class IDBObjectStore extends Readable {
  private constructor()
  /** To be set in upgrades only. */
  name: string
  readonly keyPath: string | string[] | null
  readonly indexNames: DOMStringList
  readonly transaction: IDBTransaction
  readonly autoIncrement: boolean
  /**
   * Inserts or replaces a value.
   *
   * @throws {DOMException} `DataCloneError`, `DataError`, `ReadOnlyError`,
   *   `TransactionInactiveError`, `InvalidStateError`
   */
  put(value: any, key?: IDBValidKey): IDBRequest<IDBValidKey>
  /** Inserts a value. @throws {DOMException} as `put` */
  add(value: any, key?: IDBValidKey): IDBRequest<IDBValidKey>
  delete(query: IDBValidKey | IDBKeyRange): IDBRequest<undefined>
  clear(): IDBRequest<undefined>
  index(name: string): IDBIndex
  createIndex(
    name: string,
    keyPath: string | Iterable<string>,
    options?: IDBIndexParameters,
  ): IDBIndex
  deleteIndex(name: string): void
}

/** An index of an object store, as a transaction has it. */
export class IDBIndex extends Readable {
  private constructor()
  /** To be set in upgrades only. */
  name: string
  readonly objectStore: IDBObjectStore
  readonly keyPath: string | string[]
  readonly multiEntry: boolean
  readonly unique: boolean
}

/** A record of a store or index. */
export class IDBRecord {
  private constructor()
  readonly key: IDBValidKey
  readonly primaryKey: IDBValidKey
  readonly value: any
}

/** Moves over the records of a store or index, without their values. */
export class IDBCursor {
  protected constructor()
  readonly source: IDBObjectStore | IDBIndex
  readonly direction: IDBCursorDirection
  readonly key: IDBValidKey
  readonly primaryKey: IDBValidKey
  readonly request: IDBRequest
  advance(count: number): void
  continue(key?: IDBValidKey): void
  continuePrimaryKey(key: IDBValidKey, primaryKey: IDBValidKey): void
  update(value: any): IDBRequest<IDBValidKey>
  delete(): IDBRequest<undefined>
}

/** Moves over the records of a store or index. */
export class IDBCursorWithValue extends IDBCursor {
  private constructor()
  readonly value: any
}

/** A range of keys. */
export class IDBKeyRange {
  private constructor()
  static only(value: any): IDBKeyRange
  static lowerBound(lower: any, open?: boolean): IDBKeyRange
  static upperBound(upper: any, open?: boolean): IDBKeyRange
  static bound(lower: any, upper: any, lowerOpen?: boolean, upperOpen?: boolean): IDBKeyRange
  readonly lower: any
  readonly upper: any
  readonly lowerOpen: boolean
  readonly upperOpen: boolean
  includes(key: any): boolean
}

/** The databases. */
export const indexedDB: IDBFactory

// Without this, what is not exported would be.
// oxlint-disable-next-line unicorn/require-module-specifiers
export {}
