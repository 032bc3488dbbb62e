import { EventEmitter } from 'node:events'
import type { Expression } from './lib/query/expression'
import type { FilterLike, PreparedFilter } from './lib/query/filter'
import type { Condition } from './lib/query/conditions'
import type {
  Examples,
  Nearest,
  NearestMany,
  NearestOptions,
  VectorLike,
  VectorMetric,
  VectorPrecision,
} from './lib/query/nearest'
import type { AggregateOptions, Pipeline, Stage } from './lib/query/pipeline'
import type {
  Collation,
  FindOptions,
  PreparedQuery,
  Query,
  ResolvedCollation,
} from './lib/query/query'

export { where } from './lib/query/conditions'
export { expr } from './lib/query/expression'
export type { Condition, Conditions, WhereOperator } from './lib/query/conditions'
export type {
  DateUnit,
  Expression,
  ExpressionBuilder,
  ExpressionObject,
  Parameter,
} from './lib/query/expression'
export type {
  Filter,
  FilterLike,
  Operators,
  PreparedFilter,
  TypeName,
  VectorSearch,
} from './lib/query/filter'
export type {
  DiversityOptions,
  Examples,
  HalfFloats,
  Nearest,
  NearestExplanation,
  NearestHit,
  NearestMany,
  NearestOptions,
  VectorLike,
  VectorMetric,
  VectorPrecision,
} from './lib/query/nearest'
export type { Path, ValueAt } from './lib/query/paths'
export type {
  Accumulators,
  AggregateOptions,
  GroupFields,
  JoinOptions,
  Pipeline,
  PipelineExplanation,
  Stage,
  StageExplanation,
  StageName,
  VectorSearchStage,
} from './lib/query/pipeline'
export type {
  Collation,
  Explanation,
  DeleteFoundOptions,
  FindOptions,
  Page,
  PageOptions,
  PreparedQuery,
  Projection,
  Query,
  QueryEntry,
  ResolvedCollation,
  SearchMeta,
  Sort,
  UpdateFoundOptions,
} from './lib/query/query'

// ---------------------------------------------------------------------------------------- errors

/** What went wrong; docs/errors.md says when each code arises and what to do. */
export type ErrorCode =
  | 'INVALID_ARGUMENT'
  | 'INVALID_QUERY'
  | 'INVALID_UPDATE'
  | 'INVALID_KEY'
  | 'INVALID_CURSOR'
  | 'EXPRESSION'
  | 'DATA_CLONE'
  | 'KEY_EXISTS'
  | 'KEY_IMMUTABLE'
  | 'NOT_FOUND'
  | 'DATABASE_NOT_FOUND'
  | 'DATABASE_EXISTS'
  | 'NOT_A_DATABASE'
  | 'PERMISSION'
  | 'UNIQUE_VIOLATION'
  | 'REFERENCE_VIOLATION'
  | 'VALIDATION'
  | 'STORE_EXISTS'
  | 'STORE_NOT_FOUND'
  | 'INDEX_EXISTS'
  | 'INDEX_NOT_FOUND'
  | 'INDEX_NOT_READY'
  | 'TX_INACTIVE'
  | 'TX_READ_ONLY'
  | 'TX_TIMEOUT'
  | 'TX_CONFLICT'
  | 'TX_TOO_LARGE'
  | 'SNAPSHOT_EXPIRED'
  | 'ABORTED'
  | 'CLOSED'
  | 'BUSY'
  | 'READERS_FULL'
  | 'RESOURCE_LIMIT'
  | 'MAP_FULL'
  | 'DISK_FULL'
  | 'IO'
  | 'WRONG_KEY'
  | 'ENCRYPTED'
  | 'NOT_ENCRYPTED'
  | 'CORRUPT'
  | 'INCOMPATIBLE_VERSION'
  | 'POISONED'
  | 'DIMENSION_MISMATCH'
  | 'ABI_MISMATCH'
  | 'UNSUPPORTED'

/**
 * Every failure of Lodestore. Asynchronous methods reject with it, synchronous ones throw it. The
 * message says what to do; it never holds a document's content.
 */
export class LodestoreError extends Error {
  private constructor()
  readonly name: 'LodestoreError'
  /** Stable across releases. */
  readonly code: ErrorCode
  /** Whether the same call may succeed when it is simply made again. */
  readonly retryable: boolean
  /** The store concerned. */
  readonly store?: string
  /** The index concerned. */
  readonly index?: string
  /** The primary key concerned. */
  readonly key?: Key
  /** A file path, or a path within an argument (`options.mode`) or document. */
  readonly path?: string
  /** In operations on many documents: the position of the one that failed. */
  readonly at?: number
  /** In changes by batches: how many documents the batches before had found. */
  readonly matched?: number
  /** In changes by batches: how many documents the batches before have changed, which stays. */
  readonly modified?: number
}

// ------------------------------------------------------------------------------------------ keys

/**
 * What a primary key may be. Keys are ordered number < date < string < binary < array, as in
 * IndexedDB; `1` and `1n` are one key, `-0` is `0`. NaN and invalid dates are not keys; a BigInt
 * must lie between -2^63 and 2^64-1. A key read from the database is a bigint only if no number
 * equals it, and binary keys come as ArrayBuffer.
 */
export type Key = number | bigint | string | Date | ArrayBuffer | ArrayBufferView | readonly Key[]

/** What a key of an index may be: missing and null fields, and booleans, sort before other keys. */
export type IndexKey = Key | null | boolean | readonly IndexKey[]

/** A range of keys, as IndexedDB's IDBKeyRange. Immutable; an absent bound is undefined. */
export class KeyRange<K = unknown> {
  private constructor()
  /** The range of one key. Throws INVALID_KEY. */
  static only<const K extends Key>(value: K): KeyRange<K>
  /** Keys from `lower` on; without `lower` itself if `open`. Throws INVALID_KEY. */
  static lowerBound<const K extends Key>(lower: K, open?: boolean): KeyRange<K>
  /** Keys up to `upper`; without `upper` itself if `open`. Throws INVALID_KEY. */
  static upperBound<const K extends Key>(upper: K, open?: boolean): KeyRange<K>
  /**
   * Keys from `lower` to `upper`, without those that are open. Throws INVALID_KEY, and
   * INVALID_ARGUMENT if no key can be in the range.
   */
  static bound<const L extends Key, const U extends Key = L>(
    lower: L,
    upper: U,
    lowerOpen?: boolean,
    upperOpen?: boolean,
  ): KeyRange<L | U>
  readonly lower: K | undefined
  readonly upper: K | undefined
  /** Whether the lower bound itself is excluded; true without one. */
  readonly lowerOpen: boolean
  /** Whether the upper bound itself is excluded; true without one. */
  readonly upperOpen: boolean
  /** Whether a key is in the range. Throws INVALID_KEY. */
  includes(value: Key): boolean
}

/** Compares two keys, as `indexedDB.cmp`. Throws INVALID_KEY. */
export function compareKeys(a: Key, b: Key): -1 | 0 | 1

/** A key; or, of one that is a tuple, the first elements. */
export type KeyPrefix<K> = K extends readonly [...infer First, unknown]
  ? Readonly<K> | (First extends readonly [] ? never : KeyPrefix<First>)
  : K

/** Bounds of a range; at most one lower and one upper. One that is undefined is INVALID_KEY. */
export interface KeyBounds<K = IndexKey> {
  gt?: KeyPrefix<K>
  gte?: KeyPrefix<K>
  lt?: KeyPrefix<K>
  lte?: KeyPrefix<K>
}

/** A key, a KeyRange or bounds. */
export type KeyQuery<K = IndexKey> = K | KeyRange<KeyPrefix<K>> | KeyBounds<K>

/** How many rows to read, and in which order. */
export interface ReadOptions {
  /** From the last row to the first. Default: false. */
  reverse?: boolean | undefined
  /** Rows at most. Default: all. */
  limit?: number | undefined
  /** Rows to skip first. Default: 0. */
  offset?: number | undefined
}

/** Options of reads in an index. */
export interface IndexReadOptions extends ReadOptions {
  /** One row for each index key: the one of the lowest primary key. Default: false. */
  unique?: boolean | undefined
}

// ----------------------------------------------------------------------------------------- schema

/** How a database is opened, created or shared. */
export type OpenMode = 'openOrCreate' | 'create' | 'open' | 'readOnly'

/**
 * What `await put()` means. `strict`: on disk, even if the power fails. `relaxed`: survives the end
 * of the process; a power failure may undo the last writes, but never corrupts. `none`: survives
 * the end of the process; a power failure may corrupt, which the next open notices.
 */
export type Durability = 'strict' | 'relaxed' | 'none'

/** An index, as `open` and `createObjectStore` take it. */
export interface IndexDefinition {
  /**
   * The field, or fields, that are indexed; dots lead into objects, and a leading minus (`'-age'`)
   * makes a part descend.
   */
  on: string | readonly string[]
  /** Refuse two documents with one key (UNIQUE_VIOLATION); missing and null never conflict. */
  unique?: boolean | undefined
  /** Index each element of an array instead of the array. Only on one field. */
  multiEntry?: boolean | undefined
  /** Leave out documents that lack all the fields. */
  sparse?: boolean | undefined
  /**
   * A filter: the index has only the documents that pass (a partial index). `unique` then holds
   * among them. Queries use it when their own filter lets no other document through. It may not
   * hold expressions.
   */
  where?: { readonly [field: string]: unknown } | undefined
  /**
   * The order of its strings. Keys that are equal in it are one key, also for `unique`: with
   * strength 2, whatever their case. Reads of the index compare so, and so does `where`; queries
   * use the index for strings only with the same collation. `KeyRange.bound` compares code units:
   * give bounds as `{ gte, lt }`. Default: by code units.
   */
  collation?: Collation | undefined
}

/** A vector index, as `open` and `createObjectStore` take it. */
export interface VectorIndexDefinition {
  /**
   * The field that has the vectors; dots lead into objects, and through arrays of them. A document
   * has one vector there, a list of vectors or several places, of which the nearest counts, or
   * none: then it is not in the index. Vectors are `Float32Array`, `Float64Array`, `Float16Array`,
   * `Int8Array` or lists of numbers, and are compared as numbers of 32 bits; with the metric
   * `hamming` they are bits in a `Uint8Array`.
   */
  on: string
  /** How many components, or bits, each vector has: 65,536 at most, bits a multiple of 8. */
  dimensions: number
  /** What is near. Default: 'cosine'. */
  metric?: VectorMetric | undefined
  /**
   * How exactly the graph in memory, by which searches find near vectors, has its vectors.
   * Distances are always those of the documents' vectors. `f32` takes twice the memory of `bf16`
   * and `f16`, `i8` half of it. Default: 'bf16'; with the metric `hamming` 'b1', the only one that
   * it has.
   */
  precision?: VectorPrecision | undefined
  /** How many neighbours a vector has in the graph: from 4 to 128. Default: 16. */
  m?: number | undefined
  /** How many candidates are kept while neighbours are looked for: 8 to 65,536. Default: 128. */
  efConstruction?: number | undefined
  /**
   * How many candidates a search keeps: 8 to 65,536. More find more of the nearest, and take
   * longer. Default: as many as the graph finds it needs, by asking itself for what it has.
   */
  efSearch?: number | undefined
  /**
   * The most memory that the graph takes, in bytes. If it takes more, it goes without copies in
   * bytes of its vectors; then these stay in its file; and if that is not enough, there is none,
   * and searches look at all vectors. While a graph is built anew, each of the two may take so
   * much. Default: 2 GiB.
   */
  memoryLimit?: number | undefined
}

/** A store, as `open` and `createObjectStore` take it. */
export interface StoreDefinition {
  /**
   * Where documents carry their key: a field, a path with dots, or several for a compound key.
   * Default: nowhere; keys are given beside the documents (out-of-line).
   */
  keyPath?: string | readonly string[] | null | undefined
  /** Generate the numbers 1, 2, 3 … for documents without a key. Default: false. */
  autoIncrement?: boolean | undefined
  /**
   * Generate keys: `'sequence'` is autoIncrement, `'uuidv7'` makes UUIDs that ascend with time. Not
   * together with `autoIncrement`.
   */
  key?: 'sequence' | 'uuidv7' | undefined
  /** Compress documents where it makes them smaller. Default: 'none'. */
  compression?: 'none' | 'lz4' | 'zstd' | undefined
  /** Indexes by name. */
  indexes?: { readonly [index: string]: IndexDefinition } | undefined
  /** Vector indexes by name; no index has the same name. */
  vectors?: { readonly [index: string]: VectorIndexDefinition } | undefined
}

/** The types of one store, for `open<Types>()`. */
export interface StoreTypes {
  /** What is read from the store. */
  document: unknown
  /** Its primary key. Default: `Key`. */
  key?: Key
  /** What may be written, where that differs: without a generated key, say. Default: `document`. */
  insert?: unknown
  /** The key type of each index, by name. Default: any name, `IndexKey`. */
  indexes?: object
}

/** The types of a database's stores by name, for `open<Types>()`; an interface will do. */
export type DatabaseTypes<T> = { readonly [N in keyof T]: StoreTypes }

/** The types of a database about which nothing is known. */
export interface AnyTypes {
  [store: string]: { document: any; key: Key; indexes: { [index: string]: IndexKey } }
}

/** The types that definitions of stores tell: names, generated keys, and index names. */
export type TypesOfDefinitions<D> = {
  [N in keyof D]: {
    document: any
    key: D[N] extends { key: 'uuidv7' }
      ? string
      : D[N] extends { key: 'sequence' } | { autoIncrement: true }
        ? number
        : Key
    indexes: D[N] extends { indexes: infer I } ? { [X in keyof I]: IndexKey } : {}
  }
}

type StoreName<T> = Extract<keyof T, string>
type DocumentOf<S> = S extends { document: infer D } ? D : any
type KeyOf<S> = S extends { key: infer K extends Key } ? K : Key
type InsertOf<S> = S extends { insert: infer I } ? I : DocumentOf<S>
type IndexesOf<S> = S extends { indexes: infer I extends object } ? I : AnyIndexes
type AnyIndexes = { [index: string]: IndexKey }
type ReadableStoreOf<S> = ReadableStore<DocumentOf<S>, KeyOf<S>, IndexesOf<S>, InsertOf<S>>
type StoreOf<S> = Store<DocumentOf<S>, KeyOf<S>, IndexesOf<S>, InsertOf<S>>

/** Options of `open`. */
export interface OpenOptions<Stores = { readonly [store: string]: StoreDefinition }> {
  /** Default: 'openOrCreate'. */
  mode?: OpenMode | undefined
  /** Default: 'strict'. */
  durability?: Durability | undefined
  /** Open a space of the database: a database of its own inside this one. */
  space?: string | undefined
  /** Stores and indexes to create if they are missing. Nothing is ever changed or deleted. */
  stores?: Stores | undefined
  /** Bytes of address space to reserve; it grows when needed. Default: 64 GiB. */
  mapSize?: number | undefined
  /** Milliseconds to wait for another process that writes (then BUSY). Default: 30,000. */
  busyTimeout?: number | undefined
  /** Bytes of writes that may wait (then RESOURCE_LIMIT). Default: 64 MiB. */
  maxPendingBytes?: number | undefined
  /** Snapshots of all processes at once (then READERS_FULL). Default: 1,024. */
  maxReaders?: number | undefined
  /** Milliseconds after which a snapshot that nobody reads expires. Default: 60,000. */
  snapshotTimeout?: number | undefined
  /**
   * Called with each CORRUPT error that a read or write meets, whoever awaits it; `store` and `key`
   * tell where, as far as that is known. The rest of the database stays usable.
   */
  onIntegrityError?: ((error: LodestoreError) => void) | undefined
  /**
   * Encrypts a database that is created, and unlocks one that was created so. Without it, an
   * encrypted database does not open (ENCRYPTED).
   */
  encryption?: EncryptionOptions | undefined
}

/** What is used to encrypt: AES with 256-bit keys in GCM, or ChaCha20 with Poly1305. */
export type Cipher = 'aes-256-gcm' | 'chacha20-poly1305'

/** A key of 32 bytes, or a function that gives one, from a keychain for instance. */
export type EncryptionKey = Uint8Array | (() => Uint8Array | Promise<Uint8Array>)

/** Costs of Argon2id, which makes a key of a passphrase. */
export interface KdfOptions {
  /** KiB of memory, at least 8 for each of `parallelism`. Default: 65,536. */
  memory?: number | undefined
  /** Passes over the memory. Default: 3. */
  iterations?: number | undefined
  /** Lanes. Default: 4. */
  parallelism?: number | undefined
}

interface EncryptionChoices {
  /** The cipher of a database that is created. Default: 'aes-256-gcm'. */
  cipher?: Cipher | undefined
  /** How costly a passphrase is made, in a database that is created. */
  kdf?: KdfOptions | undefined
}

/** What opens an encrypted database: a passphrase (a string is one), or a key. */
export type EncryptionSecret =
  | string
  | { passphrase: string; key?: undefined; kdf?: KdfOptions | undefined }
  | { key: EncryptionKey; passphrase?: undefined }

/** How a database is encrypted: with a passphrase, or with a key. */
export type EncryptionOptions =
  | ({ passphrase: string; key?: undefined } & EncryptionChoices)
  | ({ key: EncryptionKey; passphrase?: undefined } & EncryptionChoices)

/**
 * Opens a database, which is a directory, and creates it if need be. `':memory:'` is a database
 * that vanishes on close.
 *
 * @throws {LodestoreError} INVALID_ARGUMENT (also for a store or index in `stores` that is there
 *   with another definition), DATABASE_NOT_FOUND, DATABASE_EXISTS, NOT_A_DATABASE, PERMISSION,
 *   ENCRYPTED, NOT_ENCRYPTED, WRONG_KEY, CORRUPT, INCOMPATIBLE_VERSION, BUSY, RESOURCE_LIMIT,
 *   DISK_FULL, IO, UNSUPPORTED. Loading this module throws UNSUPPORTED where there is no native
 *   library, and ABI_MISMATCH for one of another version.
 * @example
 * const db = await open('./data', {
 *   stores: { users: { keyPath: 'id', key: 'uuidv7', indexes: { byEmail: { on: 'email' } } } },
 * })
 */
export function open<const D extends { readonly [store: string]: StoreDefinition }>(
  path: string,
  options: OpenOptions<D> & { stores: D },
): Promise<Database<TypesOfDefinitions<D>>>
export function open<T extends DatabaseTypes<T> = AnyTypes>(
  path: string,
  options?: OpenOptions<{ readonly [N in keyof T]?: StoreDefinition }>,
): Promise<Database<T>>

/**
 * Puts a copy of the database at `from`, a backup, in the place of the one at `to`, with its
 * spaces; there may also be nothing, or an empty directory. The copy is verified before anything is
 * replaced, and replaces it from one moment to the next.
 *
 * @throws {LodestoreError} DATABASE_NOT_FOUND, CORRUPT if the one at `from` is damaged, ENCRYPTED,
 *   NOT_ENCRYPTED, WRONG_KEY, BUSY if the one at `to` is open anywhere, DATABASE_EXISTS if there is
 *   something else at `to`, PERMISSION, DISK_FULL, IO, ABORTED, INVALID_ARGUMENT. After each of
 *   them `to` is as it was.
 */
export function restore(from: string, to: string, options?: RestoreOptions): Promise<VerifyReport>

/** Options of `restore`. */
export interface RestoreOptions extends LongWorkOptions {
  /** What opens the database at `from`, if it is encrypted. */
  encryption?: EncryptionOptions | undefined
}

/** Options of `encrypt` and `decrypt`. */
export interface ReencryptOptions extends LongWorkOptions {
  /** What the database is encrypted with from now on, or what opens it so far. */
  encryption: EncryptionOptions
}

/**
 * Encrypts the database at `path`, with its spaces. It must not be open anywhere. An encrypted copy
 * is made and verified, and replaces it from one moment to the next; for as long there must be room
 * for both. What is encrypted already gets other keys by `changePassphrase` and `rotateKey`.
 *
 * The plain files are deleted, not overwritten: their content may stay on the disk until it is
 * written over.
 *
 * @throws {LodestoreError} DATABASE_NOT_FOUND, NOT_A_DATABASE, ENCRYPTED if it is already, BUSY if
 *   it is open anywhere, CORRUPT if it is damaged, INCOMPATIBLE_VERSION, PERMISSION, DISK_FULL,
 *   RESOURCE_LIMIT, IO, ABORTED, INVALID_ARGUMENT. After each of them it is as it was.
 */
export function encrypt(path: string, options: ReencryptOptions): Promise<VerifyReport>

/**
 * Decrypts the database at `path`, as `encrypt` encrypts it.
 *
 * @throws {LodestoreError} as `encrypt`, but NOT_ENCRYPTED for ENCRYPTED; WRONG_KEY
 */
export function decrypt(path: string, options: ReencryptOptions): Promise<VerifyReport>

/** Options of `repair`. */
export interface RepairOptions extends LongWorkOptions {
  /** Repair the spaces along. Default: true. */
  spaces?: boolean | undefined
  /** How many findings the report lists, and lost keys of each store. Default: 100. */
  maxFindings?: number | undefined
  /** What unlocks an encrypted database. What is made of it is encrypted with the same keys. */
  encryption?: EncryptionOptions | undefined
}

/** What became of a store. */
export interface RepairedStore {
  /** The name of the space, if it is in one. */
  space?: string
  name: string
  /** Documents that were saved. */
  documents: number
  /** Of those, documents that may be older states, of ones that were changed or deleted later. */
  uncertain: number
  /** Documents that were there and were not saved for certain; null if that is not known. */
  lost: number | null
  /**
   * The keys of documents that were lost, as far as they are known. An index entry that is damaged
   * itself may name one that never was.
   */
  lostKeys: (Key | Uint8Array)[]
}

/** What `repair` has found and saved. */
export interface RepairReport {
  /** Whether nothing was damaged. */
  ok: boolean
  /** The pages of the data files, and how many are not what they should be. */
  pages: { total: number; damaged: number }
  stores: RepairedStore[]
  /** Indexes that were built. */
  indexes: number
  /** How many findings there are. */
  findingCount: number
  /** The first `maxFindings` of them. */
  findings: VerifyFinding[]
  milliseconds: number
}

/**
 * Makes a new database at `to`, which must not exist or be an empty directory, of what can be read
 * of the damaged one at `from`, which stays as it is, but for what a crash has left in its journal:
 * that is written to where it belongs first, as `open` does it. Indexes and counts are made anew.
 *
 * @throws {LodestoreError} DATABASE_NOT_FOUND, NOT_A_DATABASE if nothing of it can be read,
 *   ENCRYPTED, NOT_ENCRYPTED, WRONG_KEY, CORRUPT if the records of its keys are lost,
 *   INCOMPATIBLE_VERSION, DATABASE_EXISTS, BUSY if the one at
 *   `from` is open anywhere, PERMISSION, DISK_FULL, IO, ABORTED, INVALID_ARGUMENT
 */
export function repair(from: string, to: string, options?: RepairOptions): Promise<RepairReport>

/**
 * Lists the files that belong to a database, those of its spaces included. Those with the role
 * 'lock' are made again when they are missing, those with the role 'graph' (graphs of vector
 * indexes) too, which takes time; those with the role 'leftover' are removed at the next open.
 * Copying files of a database that is in use gives a broken copy: use `backup`.
 *
 * @throws {LodestoreError} DATABASE_NOT_FOUND, INVALID_ARGUMENT
 */
export function files(
  path: string,
): Promise<{ path: string; size: number; role: 'data' | 'lock' | 'graph' | 'leftover' }[]>

/**
 * A copy of options for logs, without secrets: what stands under names like `passphrase`, and what
 * `encryption` holds besides the names of algorithms, is `'[redacted]'`.
 */
export function redact(options: unknown): unknown

// --------------------------------------------------------------------------------------- database

/** What can be done in a database as well as in a transaction. */
interface Scope<T> {
  /** The names of the stores, in the order of their code units. */
  readonly storeNames: string[]

  /**
   * A store. `store<User>('users')` tells the type of its documents where none is known, and
   * `store<User, string>('users')` that of its keys.
   *
   * @throws {LodestoreError} STORE_NOT_FOUND, CLOSED, TX_INACTIVE; INVALID_ARGUMENT in a
   *   transaction that was opened for other stores
   */
  store<N extends StoreName<T>>(name: N): StoreOf<T[N]>
  store<Document, K extends Key = Key>(name: StoreName<T>): Store<Document, K>

  /**
   * Creates a store, with its indexes.
   *
   * @throws {LodestoreError} STORE_EXISTS, INVALID_ARGUMENT, TX_READ_ONLY, TX_INACTIVE, CLOSED
   */
  createObjectStore<Document = any, K extends Key = Key>(
    name: string,
    options?: StoreDefinition,
  ): Promise<Store<Document, K>>

  /**
   * Deletes a store with its documents and indexes.
   *
   * @throws {LodestoreError} STORE_NOT_FOUND, TX_READ_ONLY, TX_INACTIVE, CLOSED
   */
  deleteObjectStore(name: StoreName<T>): Promise<void>

  /**
   * Renames a store.
   *
   * @throws {LodestoreError} STORE_NOT_FOUND, STORE_EXISTS, TX_READ_ONLY, TX_INACTIVE, CLOSED
   */
  renameObjectStore(name: StoreName<T>, newName: string): Promise<void>

  /**
   * Creates an index on one field or several; a leading minus makes a part descend. Outside of
   * transactions it is built in chunks, between which others write; until then reads of it are
   * INDEX_NOT_READY. Inside a transaction it is built as a part of it, without progress.
   *
   * @throws {LodestoreError} STORE_NOT_FOUND, INDEX_EXISTS, INVALID_ARGUMENT, ABORTED,
   *   TX_READ_ONLY, TX_INACTIVE, CLOSED; UNIQUE_VIOLATION, and then there is no index
   */
  createIndex(
    store: StoreName<T>,
    name: string,
    on: string | readonly string[],
    options?: CreateIndexOptions,
  ): Promise<void>

  /**
   * Creates a vector index, which `nearest` searches in. It is built as other indexes are. From
   * then on, documents in which the field has something else than such vectors are refused
   * (DIMENSION_MISMATCH, VALIDATION, with `index` and `path`).
   *
   * @throws {LodestoreError} STORE_NOT_FOUND, INDEX_EXISTS, INVALID_ARGUMENT, ABORTED,
   *   TX_READ_ONLY, TX_INACTIVE, CLOSED; DIMENSION_MISMATCH and VALIDATION, with the `key` of a
   *   document that is there already, and then there is no index
   * @example
   * await db.createVectorIndex('notes', 'semantic', 'embedding', { dimensions: 384 })
   */
  createVectorIndex(
    store: StoreName<T>,
    name: string,
    on: string,
    options: CreateVectorIndexOptions,
  ): Promise<void>

  /**
   * Deletes an index, or a vector index.
   *
   * @throws {LodestoreError} STORE_NOT_FOUND, INDEX_NOT_FOUND, TX_READ_ONLY, TX_INACTIVE, CLOSED
   */
  deleteIndex(store: StoreName<T>, name: string): Promise<void>

  /**
   * Renames an index, or a vector index.
   *
   * @throws {LodestoreError} STORE_NOT_FOUND, INDEX_NOT_FOUND, INDEX_EXISTS, TX_READ_ONLY,
   *   TX_INACTIVE, CLOSED
   */
  renameIndex(store: StoreName<T>, name: string, newName: string): Promise<void>
}

/** How far long work has come. */
export interface Progress {
  /** What is being done. */
  phase: string
  /** Units done, of `total`. */
  done: number
  total: number
}

/** Options of work that takes long. */
export interface LongWorkOptions {
  /** Called now and then; what it throws cancels the work and is thrown on. */
  onProgress?: ((progress: Progress) => void) | undefined
  /** Cancels the work (ABORTED). */
  signal?: AbortSignal | undefined
}

/** Options of `createIndex`. */
export interface CreateIndexOptions extends Omit<IndexDefinition, 'on'>, LongWorkOptions {}

/** Options of `createVectorIndex`. */
export interface CreateVectorIndexOptions
  extends Omit<VectorIndexDefinition, 'on'>, LongWorkOptions {}

/** Options of `buildVectorGraph`. */
export interface BuildVectorGraphOptions extends LongWorkOptions {
  /** Build it anew, even if there is one. Default: false. */
  rebuild?: boolean | undefined
}

/** Options of `backup`. */
export interface BackupOptions extends LongWorkOptions {
  /** Copy the spaces along, each consistent in itself. Default: true. */
  spaces?: boolean | undefined
  /**
   * Leave out free pages and fill the others, which takes longer; false copies the file page by
   * page. Default: true.
   */
  compact?: boolean | undefined
  /**
   * Encrypt the copy in this way, whatever the database: with other secrets and new keys. `null`:
   * do not encrypt it. Default: as the database; an encrypted space needs this option.
   */
  encryption?: EncryptionOptions | null | undefined
}

/** How documents are written as text; see docs/exchange.md. */
export type ExchangeFormat = 'ndjson' | 'json' | 'csv'

/** Options of `exportTo`. */
export interface ExportOptions extends LongWorkOptions {
  /** The store. Default: all stores with their definitions, in the format 'ndjson'. */
  store?: string | undefined
  /**
   * 'ndjson' is a line of typed JSON for each document, 'json' an array of plain JSON, 'csv' a row
   * for each. Default: 'ndjson'.
   */
  format?: ExchangeFormat | undefined
  /** For 'csv': paths of fields. Default: the names of all fields that documents have. */
  columns?: readonly string[] | undefined
  /** For 'csv': what stands between the fields of a row. Default: ','. */
  separator?: string | undefined
}

/** Options of `importFrom`. */
export interface ImportOptions extends LongWorkOptions {
  /** The store. Default: the source names one for each document, and defines them. */
  store?: string | undefined
  /** Default: 'ndjson'. */
  format?: ExchangeFormat | undefined
  /** For 'csv': paths of fields, if the source has no row with them. */
  columns?: readonly string[] | undefined
  /** For 'csv': what stands between the fields of a row. Default: ','. */
  separator?: string | undefined
  /** For 'csv': what columns are read as. Default: 'string'. */
  types?:
    | Readonly<Record<string, 'string' | 'number' | 'bigint' | 'boolean' | 'date' | 'json'>>
    | undefined
  /** Documents that are written at once. Default: 1000. */
  batch?: number | undefined
  /**
   * What becomes of a document whose key is there: it is replaced, stays ('keep'), or the new one
   * is an error ('refuse'). Default: 'replace'.
   */
  onExisting?: 'replace' | 'keep' | 'refuse' | undefined
  /** How many documents may fail before the import stops. Default: 0. */
  maxErrors?: number | undefined
  /**
   * Where to keep how far the source was read, written with each batch: an import that was stopped,
   * by whatever, goes on behind the last one. The store must have out-of-line keys.
   */
  checkpoint?: { readonly store: string; readonly key: Key } | undefined
}

/** What an import has done; errors that stop one have these properties, too. */
export interface ImportResult {
  imported: number
  /** Documents whose key was there already, with `onExisting: 'keep'`. */
  existing: number
  failed: number
  /** The first 1,000 of those that failed; lines count from 1. */
  errors: { line: number; code: ErrorCode; message: string }[]
}

/** Options of `verify`. */
export interface VerifyOptions extends LongWorkOptions {
  /**
   * 'quick' looks at every page of the file and at the catalog, 'full' at every document and index
   * entry as well. Default: 'full'.
   */
  level?: 'quick' | 'full' | undefined
  /** Verify the spaces along, each as it is at one moment. Default: true. */
  spaces?: boolean | undefined
  /** How many findings the report lists; all are counted. Default: 100. */
  maxFindings?: number | undefined
}

/** What `verify` can find. */
export type VerifyFindingKind =
  | 'page'
  | 'keyOrder'
  | 'sharedPage'
  | 'leakedPage'
  | 'pageCount'
  | 'unreadable'
  | 'catalog'
  | 'treeOwner'
  | 'checksum'
  | 'document'
  | 'key'
  | 'missingEntry'
  | 'strayEntry'
  | 'entry'
  | 'unique'
  | 'count'
  | 'keyGenerator'
  | 'space'

/** Something that is not as it should be. */
export interface VerifyFinding {
  kind: VerifyFindingKind
  /** What is wrong; never the content of a document. */
  message: string
  /** The name of the space, if it is in one. */
  space?: string
  store?: string
  index?: string
  /** The primary key, if it is about a document; bytes if the key itself is damaged. */
  key?: Key | Uint8Array
  /** The page of the data file, if it is about one. */
  page?: number
}

/** What `verify` has found. */
export interface VerifyReport {
  /** Whether there is nothing to report. */
  ok: boolean
  level: 'quick' | 'full'
  /** The transaction whose state was verified. */
  transactionId: number
  /** How the pages of the data file are used, those of spaces not counted. */
  pages: { total: number; used: number; free: number }
  /** What was looked at, spaces included. Documents and entries only at the level 'full'. */
  spaces: number
  stores: number
  indexes: number
  documents: number
  entries: number
  /** How many findings there are. */
  findingCount: number
  /** The first `maxFindings` of them. */
  findings: VerifyFinding[]
  milliseconds: number
}

/** A summary of a database for bug reports. */
export interface Diagnostics {
  lodestore: string
  node: string
  runtime: string
  platform: string
  system: string
  cpus: number
  memory: number
  /** Whether it is a space. */
  space: boolean
  inMemory: boolean
  mode: OpenMode
  durability: Durability
  stats: Omit<DatabaseStats, 'uuid'>
  stores: {
    name: string
    keyPath: string | string[] | null
    autoIncrement: boolean
    key: string | null
    compression: string
    documents: number
    indexes: {
      name: string
      on: string | string[]
      unique: boolean
      multiEntry: boolean
      sparse: boolean
      partial: boolean
      collation: string | null
      state: string
    }[]
    vectors: {
      name: string
      on: string
      dimensions: number
      metric: string
      precision: string
      m: number
      efConstruction: number
      efSearch: number | null
      memoryLimit: number
      state: string
    }[]
  }[]
}

/** Options of a transaction. */
export interface TransactionOptions<T = AnyTypes> {
  /** Default: 'readwrite'. A read-only transaction is a snapshot: it waits for nobody. */
  mode?: 'readwrite' | 'readonly' | undefined
  /** The only stores that may be used. Default: all. */
  stores?: StoreName<T> | readonly StoreName<T>[] | undefined
  /** Milliseconds until it is rolled back (TX_TIMEOUT); 0 is no limit. Default: 60,000. */
  timeout?: number | undefined
  /**
   * Milliseconds without a call until it is rolled back (TX_TIMEOUT); 0 is no limit. Default:
   * 5,000.
   */
  idleTimeout?: number | undefined
  /** What the commit waits for. Default: the database's durability. */
  durability?: 'strict' | 'relaxed' | undefined
}

/** The events of a database. */
export interface DatabaseEvents {
  /** Something to look into; the process prints a warning if nobody listens. */
  warning: [warning: LodestoreError]
  /** A failure in the background, such as one that poisons the database. */
  error: [error: LodestoreError]
  /** `close` has ended. */
  close: []
}

/**
 * An open database. It does not keep the process alive, but operations under way do.
 *
 * Calls made inside the function of `transaction` join that transaction.
 */
export interface Database<T = AnyTypes> extends EventEmitter, Scope<T> {
  /** The directory, absolute; `':memory:'` for a database in memory. */
  readonly path: string
  /** The name of the space, if this is one. */
  readonly space: string | undefined
  /** Whether `close` was called. */
  readonly closed: boolean

  /**
   * Runs a function in a transaction, which commits when the function's promise resolves and is
   * rolled back when it rejects. Calls on the database made inside join it; a `transaction` inside
   * is a savepoint. One transaction writes at a time; others, and single writes, wait for it.
   *
   * @returns what the function returns, once committed
   * @throws {LodestoreError} TX_TIMEOUT, MAP_FULL (run it again), TX_TOO_LARGE, DISK_FULL, BUSY,
   *   TX_READ_ONLY, INVALID_ARGUMENT, CLOSED, POISONED; and what the function throws
   * @example
   * await db.transaction(async (tx) => {
   *   const accounts = tx.store('accounts')
   *   const from = await accounts.get('a')
   *   await accounts.put({ ...from, balance: from.balance - 10 })
   * })
   */
  transaction<R>(
    fn: (tx: Transaction<T>) => PromiseLike<R> | R,
    options?: TransactionOptions<T>,
  ): Promise<R>

  /**
   * Begins a transaction that is committed or rolled back by hand, or by `await using`, which rolls
   * back what was not committed. Calls on the database do not join it.
   *
   * @throws {LodestoreError} as `transaction`; INVALID_ARGUMENT inside another transaction
   */
  begin(options?: TransactionOptions<T>): Promise<Transaction<T>>

  /**
   * Runs a function whose calls on this database join no transaction. Do not await it inside a
   * transaction if it writes: it would wait for the transaction to end.
   */
  outside<R>(fn: () => R): R

  /**
   * Pins the newest state.
   *
   * @throws {LodestoreError} READERS_FULL, CLOSED
   */
  snapshot(): Promise<Snapshot<T>>

  /** The names of the spaces of this database. */
  spaces(): Promise<string[]>

  /**
   * Deletes a space with everything in it.
   *
   * @throws {LodestoreError} DATABASE_NOT_FOUND, BUSY while it is open; INVALID_ARGUMENT inside a
   *   transaction, for whose end it would wait
   */
  deleteSpace(name: string): Promise<void>

  /** Figures about the database and its files. */
  stats(): Promise<DatabaseStats>

  /**
   * A summary for bug reports: versions, settings, figures and the structure of the stores, without
   * documents, keys, paths and secrets. Names of stores, indexes and fields are left out, too,
   * unless `names` is set.
   *
   * @throws {LodestoreError} CLOSED
   */
  diagnostics(options?: { names?: boolean | undefined }): Promise<Diagnostics>

  /**
   * Waits until everything accepted so far is on disk, whatever the durability. A `close` that
   * comes meanwhile makes no difference to it.
   *
   * @throws {LodestoreError} IO, DISK_FULL, CLOSED; INVALID_ARGUMENT inside a transaction, for
   *   whose end it would wait
   */
  flush(): Promise<void>

  /**
   * Lets `next` open the encrypted database in the place of `current`. What is encrypted stays as
   * it is: this takes no longer than making a key of a passphrase.
   *
   * @throws {LodestoreError} WRONG_KEY if `current` does not open it, NOT_ENCRYPTED, TX_READ_ONLY,
   *   DISK_FULL, IO, CLOSED; INVALID_ARGUMENT, also inside a transaction
   */
  changePassphrase(current: EncryptionSecret, next: EncryptionSecret): Promise<void>

  /**
   * Lets `additional` open the encrypted database as well as `current`, which does already: a
   * second passphrase, or a recovery key.
   *
   * @throws {LodestoreError} as `changePassphrase`; RESOURCE_LIMIT beyond 32
   */
  addKey(current: EncryptionSecret, additional: EncryptionSecret): Promise<void>

  /**
   * Lets a passphrase or key open the encrypted database no more. To shut somebody out who knows it
   * and may get the files, call `rotateKey` as well: see docs/security.md.
   *
   * @throws {LodestoreError} as `changePassphrase`; INVALID_ARGUMENT if nothing else opens it
   */
  removeKey(secret: EncryptionSecret): Promise<void>

  /**
   * Replaces the random key that the content is encrypted with, and encrypts everything anew,
   * spaces included, in short transactions while reads and writes go on, in every process. Whatever
   * opens the database still does. What was copied before stays readable with what opened it then.
   *
   * One that is cancelled, or ended by `close` or a crash, goes on at the next call; until then
   * `stats` shows it. What is damaged stays as it is, and keeps the old key with it: that is
   * CORRUPT, when everything else has the new key.
   *
   * @throws {LodestoreError} NOT_ENCRYPTED, TX_READ_ONLY, CORRUPT if something is damaged,
   *   WRONG_KEY if what this process has opened the database with was taken away, UNSUPPORTED if an
   *   earlier version set something that opens it, which has to be set anew first, ABORTED,
   *   DISK_FULL, IO, CLOSED; INVALID_ARGUMENT, also of a space, and inside a transaction
   */
  rotateKey(options?: LongWorkOptions): Promise<void>

  /**
   * Copies the database into a new directory while it is in use.
   *
   * @throws {LodestoreError} DATABASE_EXISTS, PERMISSION, DISK_FULL, IO, ABORTED, CLOSED; BUSY if
   *   `rotateKey` has replaced the keys of the spaces meanwhile
   */
  backup(path: string, options?: BackupOptions): Promise<void>

  /**
   * Writes documents as text, all of one state of the database, while it is in use. A file is there
   * complete or not at all; a stream is ended.
   *
   * @param destination the path of a file, or a `Writable`
   * @returns how many documents were written
   * @throws {LodestoreError} STORE_NOT_FOUND, UNSUPPORTED, PERMISSION, NOT_FOUND, DISK_FULL, IO,
   *   SNAPSHOT_EXPIRED if the destination takes nothing for too long, ABORTED, CLOSED
   */
  exportTo(
    destination: string | import('node:stream').Writable,
    options?: ExportOptions,
  ): Promise<number>

  /**
   * Reads documents from text, a batch at a time.
   *
   * @param source the path of a file, or what gives bytes or text piece by piece, such as a
   *   `Readable`
   * @throws {LodestoreError} INVALID_ARGUMENT for what is not of the format; what a document fails
   *   with, if more than `maxErrors` do; INCOMPATIBLE_VERSION, NOT_FOUND, PERMISSION, IO, ABORTED,
   *   CLOSED, STORE_NOT_FOUND
   */
  importFrom(
    source: string | AsyncIterable<string | Uint8Array> | Iterable<string | Uint8Array>,
    options?: ImportOptions,
  ): Promise<ImportResult>

  /**
   * Brings the graph of a vector index up to date: resolves when searches find by it all that was
   * committed at the call. Nobody has to call it: the first search begins the graph, which is built
   * in the background, and until it has a vector that is looked at beside it. With `rebuild` it is
   * built anew, of what there is now, while searches go by the one before. An index of fewer than
   * 1,000 vectors has none, and there is nothing to wait for.
   *
   * `onProgress` tells of the phase 'graph', in vectors. If it is cancelled, a graph that was begun
   * anew is given up; any other one stays as it is, and goes on with the next search or call.
   *
   * @throws {LodestoreError} STORE_NOT_FOUND, INDEX_NOT_FOUND, INDEX_NOT_READY, ABORTED, CLOSED,
   *   INVALID_ARGUMENT; RESOURCE_LIMIT if there can be no graph, such as for its `memoryLimit`
   * @example
   * await db.buildVectorGraph('notes', 'semantic', { onProgress: ({ done, total }) => ... })
   */
  buildVectorGraph(
    store: StoreName<T>,
    index: string,
    options?: BuildVectorGraphOptions,
  ): Promise<void>

  /**
   * Looks for damage, in the state that the database has now, while everything goes on. Damage is
   * in the report; `verify` rejects only if it cannot do its work.
   *
   * @throws {LodestoreError} IO, ABORTED, CLOSED; BUSY if others commit faster than a state can be
   *   looked at
   */
  verify(options?: VerifyOptions): Promise<VerifyReport>

  /**
   * Rewrites the file without free space. Nobody else may have the database open.
   *
   * @throws {LodestoreError} BUSY, DISK_FULL, IO, ABORTED, CLOSED; INVALID_ARGUMENT inside a
   *   transaction, for whose end it would wait
   */
  compact(options?: LongWorkOptions): Promise<void>

  /**
   * Closes the database once the writes accepted so far are done. Open transactions are rolled
   * back; cursors, scans and snapshots end with CLOSED. Idempotent.
   */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>

  on<E extends keyof DatabaseEvents>(event: E, listener: (...args: DatabaseEvents[E]) => void): this
  once<E extends keyof DatabaseEvents>(
    event: E,
    listener: (...args: DatabaseEvents[E]) => void,
  ): this
  off<E extends keyof DatabaseEvents>(
    event: E,
    listener: (...args: DatabaseEvents[E]) => void,
  ): this
}

/** Figures about a database. */
export interface DatabaseStats {
  /** The identity of the database. */
  uuid: string
  formatVersion: number
  /** Milliseconds since 1970. */
  created: number
  /** Bytes. */
  fileSize: number
  /** Bytes. */
  pageSize: number
  pages: number
  /** Pages that will be used again. */
  freePages: number
  /** Bytes of address space. */
  mapSize: number
  /** The id of the last committed transaction. */
  lastTransactionId: number
  /** Snapshots that are open, in all processes, but not what other reads of this turn share. */
  readers: number
  /** The snapshot that holds back free pages: transactions since, and its age in milliseconds. */
  oldestReader: { pid: number; lag: number; age: number | null } | null
  /** Bytes of writes that wait. */
  pendingBytes: number
  /** Queries and pipelines of this handle that are in the middle of being read. */
  queries: number
  /** What the database is encrypted with; null: it is not. */
  cipher: Cipher | null
  /**
   * A replacement of the data key by `rotateKey` that has begun and not ended: it is under way, or
   * was stopped, or blocks are damaged. `from` and `to` are the numbers of the data keys, `blocks`
   * all there are, and `remaining` those that still need the old one: an estimate, if `estimated`.
   */
  keyRotation: {
    from: number
    to: number
    blocks: number
    remaining: number
    estimated: boolean
  } | null
  /** Entries of the LMDB trees. */
  entries: { meta: number; docs: number; index: number; log: number }
}

/** A transaction or savepoint: all of its work is kept, or none. */
export interface Transaction<T = AnyTypes> extends Scope<T> {
  readonly mode: 'readwrite' | 'readonly'
  /** Whether work can still be done in it. */
  readonly active: boolean

  /** Creates an index as a part of the transaction. */
  createIndex(
    store: StoreName<T>,
    name: string,
    on: string | readonly string[],
    options?: Omit<IndexDefinition, 'on'>,
  ): Promise<void>

  /**
   * Runs a function in a savepoint: if its promise rejects, only its work is undone. Savepoints of
   * one level run one after the other; work of the transaction outside of them waits meanwhile.
   *
   * @throws {LodestoreError} TX_INACTIVE; and what the function throws
   */
  savepoint<R>(fn: (tx: Transaction<T>) => PromiseLike<R> | R): Promise<R>

  /**
   * Commits, once the writes made so far are done.
   *
   * @throws {LodestoreError} TX_INACTIVE, TX_TIMEOUT, MAP_FULL, TX_TOO_LARGE, DISK_FULL; then
   *   nothing of the transaction remains
   */
  commit(): Promise<void>

  /**
   * Undoes everything.
   *
   * @throws {LodestoreError} TX_INACTIVE
   */
  rollback(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * One state of the database, to be read for as long as it is open. One that is not read for the
 * database's `snapshotTimeout` ends with SNAPSHOT_EXPIRED. Close it: it keeps old pages from being
 * used again.
 */
export interface Snapshot<T = AnyTypes> {
  readonly storeNames: string[]
  readonly closed: boolean
  /** @throws {LodestoreError} STORE_NOT_FOUND, CLOSED */
  store<N extends StoreName<T>>(name: N): ReadableStoreOf<T[N]>
  store<Document, K extends Key = Key>(name: StoreName<T>): ReadableStore<Document, K>
  /** Lets go of the state. Idempotent. */
  close(): void
  [Symbol.dispose](): void
  [Symbol.asyncDispose](): Promise<void>
}

// ---------------------------------------------------------------------------------------- updates

type IsAny<T> = 0 extends 1 & T ? true : false

/** What has no fields that an update could lead into. */
type Opaque =
  | string
  | number
  | bigint
  | boolean
  | symbol
  | null
  | undefined
  | Date
  | RegExp
  | Error
  | Blob
  | ArrayBuffer
  | ArrayBufferView
  | ReadonlyMap<any, any>
  | ReadonlySet<any>

/**
 * Elements of an array: one by its index, every one, those that an array filter matches, or the one
 * that the filter of the query matches.
 */
type Elements = `${number}` | '$[]' | `$[${string}]` | '$'

/** How many names a checked path has at most: documents may contain themselves. */
type Levels = [never, 0, 1, 2, 3, 4]

/**
 * A path to a field of a document: `'a'`, `'a.b'`, `'list.0'`, `'list.$[].a'`, `'list.$[name]'`,
 * `'list.$'`. Up to six names of it are checked.
 */
export type UpdatePath<T, Level extends number = 5> =
  IsAny<T> extends true
    ? string
    : unknown extends T
      ? string
      : [Level] extends [never]
        ? string
        : T extends Opaque
          ? never
          : T extends readonly (infer E)[]
            ? Elements | `${Elements}.${UpdatePath<E, Levels[Level]>}`
            : T extends object
              ? {
                  [K in Extract<keyof T, string>]: K | `${K}.${UpdatePath<T[K], Levels[Level]>}`
                }[Extract<keyof T, string>]
              : never

type Inside<T, K extends string> = T extends Opaque
  ? never
  : T extends readonly (infer E)[]
    ? E
    : K extends keyof T
      ? T[K]
      : never

/** The type of what stands at a path. */
export type ValueAtPath<T, P extends string> =
  IsAny<T> extends true
    ? any
    : unknown extends T
      ? any
      : P extends `${infer Head}.${infer Rest}`
        ? ValueAtPath<Inside<T, Head>, Rest>
        : Inside<T, P>

/**
 * A value that the update calculates from the document as it was before: an object whose only field
 * is an operator of expressions, such as `{ $multiply: ['$price', '$count'] }`, or `$expr`.
 */
export type UpdateExpression = { readonly [operator: `$${string}`]: unknown }

type ValuesAtPaths<T> = { readonly [P in UpdatePath<T>]?: ValueAtPath<T, P> }

type SettableAtPaths<T> = {
  readonly [P in UpdatePath<T>]?: ValueAtPath<T, P> | UpdateExpression | Expression
}

/** For each path whose values are of a type: what an operator takes. */
type OperandsWhere<T, Value, Operand> = {
  readonly [
    P in UpdatePath<T> as NonNullable<ValueAtPath<T, P>> extends Value ? P : never
  ]?: Operand
}

type ElementOf<A> = IsAny<A> extends true ? any : A extends readonly (infer E)[] ? E : never

/** For each path to an array: what an operator takes, made of the type of its elements. */
type ArrayPath<T> = {
  [P in UpdatePath<T>]: NonNullable<ValueAtPath<T, P>> extends readonly any[] ? P : never
}[UpdatePath<T>]

/** What `$push` takes: a value, or several with where they go. */
export type PushOperand<E> =
  | E
  | {
      readonly $each: readonly E[]
      /** Where they are inserted; negative from the end. Default: behind the last element. */
      readonly $position?: number | undefined
      /** How many elements stay: the first ones, or the last ones if negative. */
      readonly $slice?: number | undefined
      /** 1 or -1, by the elements themselves or by fields of them. */
      readonly $sort?: 1 | -1 | { readonly [path: string]: 1 | -1 } | undefined
    }

/**
 * What is to become of a document, in MongoDB's words. Paths lead through objects, and into arrays
 * by index (`'list.0'`), to every element (`'list.$[]'`), or to those that one of `arrayFilters`
 * matches (`'list.$[name]'`); in updates of what a query finds, also to the first one that meets
 * what the filter asks of the elements (`'list.$'`). No path may be a part of another one.
 */
export interface Update<T = any> {
  /** Sets fields; the objects on the way are made. */
  readonly $set?: SettableAtPaths<T>
  /** Sets fields of a document that `upsert` inserts. */
  readonly $setOnInsert?: SettableAtPaths<T>
  /** Removes fields; the value does not matter. Elements of arrays become null. */
  readonly $unset?: { readonly [P in UpdatePath<T>]?: unknown }
  /** Adds a number. A BigInt and a whole number make a BigInt. */
  readonly $inc?: OperandsWhere<T, number | bigint, number | bigint>
  /** Multiplies by a number. */
  readonly $mul?: OperandsWhere<T, number | bigint, number | bigint>
  /** Sets fields that are greater, in the order of all types. */
  readonly $min?: ValuesAtPaths<T>
  /** Sets fields that are less, in the order of all types. */
  readonly $max?: ValuesAtPaths<T>
  /** Moves fields, replacing what is there. Not through arrays. */
  readonly $rename?: { readonly [P in UpdatePath<T>]?: string }
  /** Sets the time of the operation, a Date. */
  readonly $currentDate?: OperandsWhere<T, Date, true | { readonly $type: 'date' }>
  /** Calculates with the bits of whole numbers. */
  readonly $bit?: OperandsWhere<
    T,
    number | bigint,
    { readonly [operation in 'and' | 'or' | 'xor']?: number | bigint }
  >
  /** Appends to arrays, or inserts; then sorts them, then cuts them. */
  readonly $push?: {
    readonly [P in ArrayPath<T>]?: PushOperand<ElementOf<NonNullable<ValueAtPath<T, P>>>>
  }
  /** Appends to arrays what is not in them. */
  readonly $addToSet?: {
    readonly [P in ArrayPath<T>]?:
      | ElementOf<NonNullable<ValueAtPath<T, P>>>
      | { readonly $each: readonly ElementOf<NonNullable<ValueAtPath<T, P>>>[] }
  }
  /** Removes the last element (1) or the first one (-1). */
  readonly $pop?: { readonly [P in ArrayPath<T>]?: 1 | -1 }
  /** Removes the elements that equal a value, or that fit a condition. */
  readonly $pull?: {
    readonly [P in ArrayPath<T>]?:
      ElementOf<NonNullable<ValueAtPath<T, P>>> | RegExp | { readonly [field: string]: unknown }
  }
  /** Removes the elements that equal any of some values. */
  readonly $pullAll?: {
    readonly [P in ArrayPath<T>]?: readonly ElementOf<NonNullable<ValueAtPath<T, P>>>[]
  }
}

/**
 * A pipeline that changes a document stage by stage, each of which sees what the one before has
 * made: `$set` (`$addFields`), `$unset`, `$project`, `$replaceWith` (`$replaceRoot`), with
 * expressions throughout.
 */
export type UpdatePipeline = readonly { readonly [stage: `$${string}`]: unknown }[]

/** Options of `update`. */
export interface UpdateOptions {
  /**
   * For each `$[name]` a filter whose fields begin with that name, which stands for the element:
   * `{ 'name.score': { $gt: 5 } }`.
   */
  arrayFilters?: readonly { readonly [field: string]: unknown }[] | undefined
  /** Insert the document if it is not there. Default: false. */
  upsert?: boolean | undefined
}

/** Options of `upsert`. */
export interface UpsertOptions<K = Key, IndexName extends string = string> {
  /** The unique index that tells which document is meant. Default: the primary key does. */
  on?: IndexName | undefined
  /** The key under which the document is inserted; only in stores without a key path. */
  key?: K | undefined
}

/** What `upsert` did. */
export interface UpsertResult<K = Key> extends UpdateResult<K> {
  /** The primary key of the document that was changed or inserted. */
  key: K
}

/** What an update did. */
export interface UpdateResult<K = Key> {
  /** How many documents were found. */
  matched: number
  /** How many of them were changed. */
  modified: number
  /** The key of the document that was inserted. */
  upserted?: K
}

// ----------------------------------------------------------------------------------------- stores

/** Options of `putMany`. */
export interface PutManyOptions {
  /** All documents or none. Default: true. */
  atomic?: boolean | undefined
  /** Items are arrays of a key and a document, as a Map yields them. Default: false. */
  entries?: boolean | undefined
}

/** What `putMany` did with `{ atomic: false }`. */
export interface PutManyResult<K> {
  /** The keys, in the order of the documents; undefined for those that failed. */
  keys: (K | undefined)[]
  /** What failed, by position. */
  errors: { at: number; code: ErrorCode; message: string }[]
}

/**
 * The documents of one object store, to be read: what a snapshot gives. All asynchronous methods
 * also reject with CLOSED, TX_INACTIVE, STORE_NOT_FOUND, POISONED, IO and CORRUPT.
 */
export interface ReadableStore<Document = any, K = Key, Indexes = AnyIndexes, Insert = Document> {
  readonly name: string
  /** Where documents carry their key; null if keys are given beside them. */
  readonly keyPath: string | string[] | null
  /** Whether numbers are generated for documents without a key. */
  readonly autoIncrement: boolean
  /** The names of the indexes, in order. */
  readonly indexNames: string[]
  /** The names of the vector indexes, in order. */
  readonly vectorIndexNames: string[]

  /**
   * The document under a key, or undefined.
   *
   * @throws {LodestoreError} INVALID_KEY
   */
  get(key: K): Promise<Document | undefined>

  /**
   * The same without a promise.
   *
   * @throws {LodestoreError} INVALID_KEY; UNSUPPORTED inside a transaction that writes
   */
  getSync(key: K): Document | undefined

  /**
   * The documents under many keys, of one state; undefined for those that are not there.
   *
   * @throws {LodestoreError} INVALID_KEY
   */
  getMany(keys: Iterable<K>): Promise<(Document | undefined)[]>

  /**
   * Whether there is a document under a key.
   *
   * @throws {LodestoreError} INVALID_KEY
   */
  has(key: K): Promise<boolean>

  /**
   * The documents that a filter describes; all without one.
   *
   * @throws {LodestoreError} INVALID_QUERY, INVALID_ARGUMENT: at once, or when the query runs
   * @example
   * const adults = await users.find({ age: { $gte: 18 }, 'address.city': 'Paris' }).sort('-age')
   * for await (const user of users.find({ name: { $like: 'A%' } })) console.log(user.name)
   */
  find(filter?: FilterLike<Document>, options?: FindOptions<Document>): Query<Document, K>

  /**
   * The first document that a filter describes, or undefined.
   *
   * @throws {LodestoreError} INVALID_QUERY, INVALID_ARGUMENT
   */
  findOne(
    filter?: FilterLike<Document>,
    options?: FindOptions<Document>,
  ): Promise<Document | undefined>

  /**
   * A query to put together by its methods.
   *
   * @example
   * await users.query().where('age', '>', 20).orWhere('vip', '=', true).orderByDesc('age')
   */
  query(): Query<Document, K>

  /**
   * A query whose values, `expr.param(…)`, are given when it runs.
   *
   * @throws {LodestoreError} INVALID_QUERY, INVALID_ARGUMENT
   * @example
   * const byAge = users.prepare({ age: { $gt: expr.param('min') } })
   * await byAge.run({ min: 30 })
   */
  prepare(
    filter: PreparedFilter<Document> | Condition,
    options?: FindOptions<Document>,
  ): PreparedQuery<Document, K>

  /**
   * The documents whose vectors are nearest to one, in a vector index: of a thousand vectors or
   * more by its graph, which may miss one of the nearest, unless `exact` is true or looking at the
   * vectors of all documents that pass the filter costs less.
   *
   * @throws {LodestoreError} INVALID_ARGUMENT, INVALID_QUERY at once or when it runs;
   *   INDEX_NOT_FOUND, INDEX_NOT_READY, DIMENSION_MISMATCH, ABORTED
   * @example
   * const near = await notes.nearest('semantic', vector, { k: 5, where: { lang: 'en' } })
   * for (const { key, distance, doc } of near) console.log(key, distance, doc.title)
   */
  nearest(
    index: string,
    vector: VectorLike,
    options?: NearestOptions<Document>,
  ): Nearest<Document, K>

  /**
   * The documents nearest to each of many vectors, 10,000 at most: as `nearest` finds them, in one
   * state of the database. A graph is asked on several cores; an exact search reads each document
   * once.
   *
   * @throws {LodestoreError} as `nearest`; INVALID_ARGUMENT if all together may give more than
   *   1,000,000 documents
   * @example
   * const [first, second] = await notes.nearestMany('semantic', [one, two], { k: 5 })
   */
  nearestMany(
    index: string,
    vectors: Iterable<VectorLike>,
    options?: NearestOptions<Document>,
  ): NearestMany<Document, K>

  /**
   * The documents that are like examples and unlike others: those nearest to the average of the
   * positive examples, moved away from that of the negative ones by the distance between the two.
   * The documents of examples are left out.
   *
   * @throws {LodestoreError} as `nearest`; INVALID_KEY; NOT_FOUND if there is no document under a
   *   key, INVALID_QUERY if it has no vector, or the examples have nothing in common
   * @example
   * const more = await notes.recommend('semantic', { positive: [12, 40], negative: [7] }, { k: 5 })
   */
  recommend(
    index: string,
    examples: Examples<K>,
    options?: NearestOptions<Document>,
  ): Nearest<Document, K>

  /**
   * The documents that come out of a pipeline of stages, in MongoDB's words.
   *
   * @throws {LodestoreError} INVALID_QUERY, INVALID_ARGUMENT: at once, or when it runs
   * @example
   * await orders.aggregate([{ $group: { _id: '$city', n: { $count: {} } } }, { $sort: { n: -1 } }])
   */
  aggregate<Row = any>(pipeline: readonly Stage[], options?: AggregateOptions): Pipeline<Row>

  /**
   * How many documents there are: at once in all, by counting in a range, or by a filter. An
   * object with `gt`, `gte`, `lt` or `lte` is a range.
   *
   * @throws {LodestoreError} INVALID_KEY, INVALID_QUERY
   */
  count(query?: KeyQuery<K> | FilterLike<Document>): Promise<number>

  /**
   * The documents of a range, in the order of their keys.
   *
   * @throws {LodestoreError} INVALID_KEY, INVALID_ARGUMENT
   */
  getAll(
    query?: (KeyBounds<K> & ReadOptions) | KeyQuery<K>,
    options?: ReadOptions,
  ): Promise<Document[]>

  /** The keys of a range, in order. */
  getAllKeys(
    query?: (KeyBounds<K> & ReadOptions) | KeyQuery<K>,
    options?: ReadOptions,
  ): Promise<K[]>

  /** The first key of a range, or undefined. */
  getKey(query?: KeyQuery<K>): Promise<K | undefined>

  /**
   * The documents of a range, to iterate over: read in chunks, of one state of the database, no
   * faster than they are taken. Throws INVALID_KEY and INVALID_ARGUMENT at once.
   *
   * @example
   * for await (const user of users.range({ gte: 10, lt: 20, reverse: true, limit: 100 })) {}
   */
  range(
    query?: (KeyBounds<K> & ReadOptions) | KeyQuery<K>,
    options?: ReadOptions,
  ): Scan<Document, Document, K, K>

  /** The keys of a range, to iterate over. */
  keys(
    query?: (KeyBounds<K> & ReadOptions) | KeyQuery<K>,
    options?: ReadOptions,
  ): Scan<K, Document, K, K>

  /** Keys and documents of a range, to iterate over. */
  entries(
    query?: (KeyBounds<K> & ReadOptions) | KeyQuery<K>,
    options?: ReadOptions,
  ): Scan<Entry<Document, K, K>, Document, K, K>

  /** All documents in the order of their keys. */
  [Symbol.asyncIterator](): ScanIterator<Document>

  /**
   * A cursor before the first document of a range.
   *
   * @throws {LodestoreError} INVALID_KEY, INVALID_ARGUMENT
   * @example
   * await using cursor = users.openCursor({ gte: 10 })
   * while (await cursor.next()) console.log(cursor.key, cursor.value)
   */
  openCursor(query?: KeyQuery<K>, options?: CursorOptions): Cursor<Document, K, K, Insert>

  /**
   * One of the store's indexes.
   *
   * @throws {LodestoreError} INDEX_NOT_FOUND
   */
  index<N extends Extract<keyof Indexes, string>>(name: N): Index<Document, K, Indexes[N], Insert>
}

/**
 * The documents of one object store, as a database or transaction sees them.
 *
 * Documents may hold whatever structured clone copies, and Blobs in asynchronous methods; class
 * instances and proxies of objects come back as plain objects. Values given are never changed,
 * results are the caller's own. What `ReadableStore` methods reject with, these do, too; also with
 * TX_READ_ONLY, BUSY, RESOURCE_LIMIT, DISK_FULL and MAP_FULL.
 */
export interface Store<
  Document = any,
  K = Key,
  Indexes = AnyIndexes,
  Insert = Document,
> extends ReadableStore<Document, K, Indexes, Insert> {
  /**
   * Inserts a document.
   *
   * @param key only in stores without a key path
   * @returns its key
   * @throws {LodestoreError} KEY_EXISTS, UNIQUE_VIOLATION, INVALID_KEY, DATA_CLONE,
   *   INVALID_ARGUMENT
   */
  add(document: Insert, key?: K): Promise<K>

  /**
   * Inserts or replaces a document.
   *
   * @param key only in stores without a key path
   * @returns its key
   * @throws {LodestoreError} UNIQUE_VIOLATION, INVALID_KEY, DATA_CLONE, INVALID_ARGUMENT
   */
  put(document: Insert, key?: K): Promise<K>

  /**
   * Inserts or replaces many documents, in bounded memory whatever their number.
   *
   * With `atomic` (the default) all are written or none: what is more than 10,000 documents or
   * 4 MiB takes a transaction, in which other writes wait, and an iterable that pauses for long
   * runs into its limit (TX_TIMEOUT). Without, documents that cannot be written are reported and
   * the others stay.
   *
   * @returns the keys; without `atomic` also what failed
   * @throws {LodestoreError} with `atomic` as `put`, with the position of the document in `at`
   */
  putMany(
    entries: Iterable<readonly [K, Insert]> | AsyncIterable<readonly [K, Insert]>,
    options: { entries: true; atomic?: true | undefined },
  ): Promise<K[]>
  putMany(
    entries: Iterable<readonly [K, Insert]> | AsyncIterable<readonly [K, Insert]>,
    options: { entries: true; atomic: false },
  ): Promise<PutManyResult<K>>
  putMany(
    entries: Iterable<readonly [K, Insert]> | AsyncIterable<readonly [K, Insert]>,
    options: PutManyOptions & { entries: true },
  ): Promise<K[] | PutManyResult<K>>
  putMany(
    documents: Iterable<Insert> | AsyncIterable<Insert>,
    options?: { entries?: false | undefined; atomic?: true | undefined },
  ): Promise<K[]>
  putMany(
    documents: Iterable<Insert> | AsyncIterable<Insert>,
    options: { entries?: false | undefined; atomic: false },
  ): Promise<PutManyResult<K>>
  putMany(
    documents: Iterable<Insert> | AsyncIterable<Insert>,
    options: PutManyOptions & { entries?: false | undefined },
  ): Promise<K[] | PutManyResult<K>>

  /**
   * Changes the document under a key by operators, in one operation: what others write at the same
   * time is never lost. A document that would not change is not written.
   *
   * @throws {LodestoreError} INVALID_UPDATE, with the path: the update cannot be understood, or
   *   does not fit the document; INVALID_QUERY in a condition; EXPRESSION, KEY_IMMUTABLE,
   *   UNIQUE_VIOLATION, INVALID_KEY, DATA_CLONE, INVALID_ARGUMENT
   * @example
   * await users.update(key, { $inc: { visits: 1 }, $set: { 'address.city': 'Paris' } })
   */
  update(
    key: K,
    update: Update<Document> | UpdatePipeline,
    options?: UpdateOptions,
  ): Promise<UpdateResult<K>>

  /**
   * Sets the fields of a document in the one that has its primary key, or with `on` its key of that
   * unique index; inserts it if there is none. Fields that it lacks stay as they are, and so does
   * the primary key of a document that is found by an index.
   *
   * @throws {LodestoreError} KEY_IMMUTABLE if the document has another primary key; KEY_EXISTS if
   *   it has that of a third one; INDEX_NOT_FOUND, INDEX_NOT_READY, UNIQUE_VIOLATION, INVALID_KEY,
   *   DATA_CLONE; INVALID_ARGUMENT for an index that is not unique, or multi-entry
   * @example
   * await users.upsert({ email: 'ada@example.org', city: 'London' }, { on: 'byEmail' })
   */
  upsert(
    document: Partial<Document> | Insert,
    options?: UpsertOptions<K, Extract<keyof Indexes, string>>,
  ): Promise<UpsertResult<K>>

  /**
   * Deletes the document under a key, or all of a range.
   *
   * @returns how many there were
   * @throws {LodestoreError} INVALID_KEY
   */
  delete(query: KeyQuery<K>): Promise<number>

  /**
   * Deletes the documents under many keys, all or none.
   *
   * @returns how many there were
   * @throws {LodestoreError} INVALID_KEY, with the position of the key in `at`
   */
  deleteMany(keys: Iterable<K>): Promise<number>

  /** Deletes all documents. The key generator goes on where it was. */
  clear(): Promise<void>
}

/**
 * An index of a store: its documents in the order of the index's keys, then of their primary keys.
 * Reads also reject with INDEX_NOT_READY while the index is being built.
 */
export interface Index<Document = any, K = Key, I = IndexKey, Insert = Document> {
  readonly name: string
  readonly storeName: string
  /** What is indexed: a field or several; descending ones have a minus before them. */
  readonly on: string | string[]
  readonly unique: boolean
  readonly multiEntry: boolean
  readonly sparse: boolean
  /** The filter whose documents a partial index has, or null. */
  readonly where: { readonly [field: string]: unknown } | null
  /** The order of its strings, or null: that of their code units. */
  readonly collation: ResolvedCollation | null
  /** 'building' while it cannot be read. */
  readonly state: 'ready' | 'building'

  /** The first document of a key or range, or undefined. */
  get(query: KeyQuery<KeyPrefix<I>>): Promise<Document | undefined>
  /** The primary key of the first document of a key or range, or undefined. */
  getKey(query?: KeyQuery<KeyPrefix<I>>): Promise<K | undefined>
  /** The documents of a key or range. */
  getAll(
    query?: (KeyBounds<I> & IndexReadOptions) | KeyQuery<KeyPrefix<I>>,
    options?: IndexReadOptions,
  ): Promise<Document[]>
  /** The primary keys of a key or range. */
  getAllKeys(
    query?: (KeyBounds<I> & IndexReadOptions) | KeyQuery<KeyPrefix<I>>,
    options?: IndexReadOptions,
  ): Promise<K[]>
  /** How many entries there are: at once in all, by counting of a key or range. */
  count(query?: KeyQuery<KeyPrefix<I>>): Promise<number>
  /** The documents of a range, to iterate over. */
  range(
    query?: (KeyBounds<I> & IndexReadOptions) | KeyQuery<KeyPrefix<I>>,
    options?: IndexReadOptions,
  ): Scan<Document, Document, K, I>
  /** The primary keys of a range, to iterate over. */
  keys(
    query?: (KeyBounds<I> & IndexReadOptions) | KeyQuery<KeyPrefix<I>>,
    options?: IndexReadOptions,
  ): Scan<K, Document, K, I>
  /** Index keys, primary keys and documents of a range, to iterate over. */
  entries(
    query?: (KeyBounds<I> & IndexReadOptions) | KeyQuery<KeyPrefix<I>>,
    options?: IndexReadOptions,
  ): Scan<Entry<Document, K, I>, Document, K, I>
  /** All documents in the order of the index. */
  [Symbol.asyncIterator](): ScanIterator<Document>
  /** A cursor before the first entry of a range. */
  openCursor(
    query?: KeyQuery<KeyPrefix<I>>,
    options?: CursorOptions,
  ): Cursor<Document, K, I, Insert>
}

/** A row of a store or index. */
export interface Entry<Document = any, K = Key, I = K> {
  /** The index key; in a store the primary key. */
  key: I
  primaryKey: K
  value: Document
}

/**
 * Rows to iterate over with `for await`. Nothing is read before that; each iteration reads anew, in
 * one state of the database (in a transaction that writes, each chunk as the transaction has it).
 */
export interface Scan<Row, Document = any, K = Key, I = K> extends AsyncIterable<Row> {
  [Symbol.asyncIterator](): ScanIterator<Row>
  /** All rows in an array. */
  toArray(): Promise<Row[]>
  /** The same rows, as primary keys. */
  keys(): Scan<K, Document, K, I>
  /** The same rows, with their keys. */
  entries(): Scan<Entry<Document, K, I>, Document, K, I>
}

/** Iterates over a scan; what is not read to its end is let go of by `return`, as `break` does. */
export interface ScanIterator<Row> extends AsyncIterator<Row, undefined, undefined> {
  return(value?: undefined): Promise<IteratorResult<Row, undefined>>
  throw(error?: unknown): Promise<IteratorResult<Row, undefined>>
  [Symbol.asyncIterator](): ScanIterator<Row>
  [Symbol.asyncDispose](): Promise<void>
}

/** Options of a cursor. */
export interface CursorOptions {
  /**
   * The order; the `unique` ones visit each index key once, at its lowest primary key. Default:
   * 'next'.
   */
  direction?: 'next' | 'nextunique' | 'prev' | 'prevunique' | undefined
  /** Read the documents, too. Default: true. */
  values?: boolean | undefined
}

/**
 * A place among the rows of a store or index, which begins before the first one.
 *
 * Outside of transactions it reads the state that it finds at its first move; inside one that
 * writes, it sees what the transaction wrote. One move at a time.
 */
export interface Cursor<Document = any, K = Key, I = K, Insert = Document> {
  readonly direction: 'next' | 'nextunique' | 'prev' | 'prevunique'
  /** The index key, in a store the primary key, of the current row; undefined without one. */
  readonly key: I | undefined
  /** The primary key of the current row. */
  readonly primaryKey: K | undefined
  /** The document of the current row. */
  readonly value: Document | undefined
  /** Whether the cursor stands on no row: before the first move, and behind the last one. */
  readonly done: boolean

  /**
   * Moves to the next row.
   *
   * @returns false behind the last one
   * @throws {LodestoreError} CLOSED, SNAPSHOT_EXPIRED; INVALID_ARGUMENT while it moves
   */
  next(): Promise<boolean>

  /**
   * Moves to the first row, in the cursor's direction, at or behind a key and, in an index, a
   * primary key. It may lie before the current row, but not outside of the cursor's range. With a
   * primary key, the key of a compound index has to be whole.
   *
   * @returns false if there is no such row
   * @throws {LodestoreError} INVALID_KEY, INVALID_ARGUMENT, CLOSED, SNAPSHOT_EXPIRED
   */
  seek(key: KeyPrefix<I>, primaryKey?: K): Promise<boolean>

  /**
   * Replaces the document of the current row by one of the same primary key. Use it inside a
   * transaction where others may have changed the document.
   *
   * @throws {LodestoreError} NOT_FOUND without a current row, KEY_IMMUTABLE, UNIQUE_VIOLATION,
   *   DATA_CLONE, TX_READ_ONLY
   */
  update(document: Insert): Promise<K>

  /**
   * Deletes the document of the current row; the cursor stays.
   *
   * @returns whether it was still there
   * @throws {LodestoreError} NOT_FOUND without a current row, TX_READ_ONLY
   */
  delete(): Promise<boolean>

  /** Lets go of what the cursor holds. Idempotent. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>

  /** Moves from row to row and yields the cursor itself; closes it at the end. */
  [Symbol.asyncIterator](): AsyncIterableIterator<this>
}
