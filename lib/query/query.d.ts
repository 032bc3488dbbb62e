// Queries, as stores give them.

import type { Entry, Progress, ScanIterator, Update, UpdateOptions } from '../../index'
import type { UpdatePipeline, UpdateResult } from '../../index'
import type { Conditions } from './conditions'
import type { NearestExplanation } from './nearest'
import type { IsFree, Path, Selected, ValueAt } from './paths'
import type { Accumulators, GroupFields, JoinOptions, Pipeline, Stage } from './pipeline'

/** A field to sort by; a minus before it: greatest first. */
type SortField<T> = Path<T> | `-${Path<T>}`

type Direction = 1 | -1 | 'asc' | 'desc'

/**
 * The order of results: `'-age'`, `['city', '-age']`, `{ city: 1, age: -1 }` or `[['age', -1]]`.
 * Equal ones are in the order of their primary keys.
 */
export type Sort<T = any> =
  | SortField<T>
  | readonly (SortField<T> | readonly [Path<T>, Direction])[]
  | { readonly [P in Path<T>]?: Direction | undefined }

/** The fields to read: a list, or an object of those to keep (1) or to leave out (0). */
export type Projection<T = any> =
  | readonly Path<T>[]
  | { readonly [P in Path<T> | 'score' | 'distance']?: 0 | 1 | boolean | SearchMeta | undefined }

/** What a search found of a document, where the query has `$vector`. */
export type SearchMeta = { readonly $meta: 'vectorSearchScore' | 'vectorSearchDistance' }

type Strength = 'primary' | 'secondary' | 'tertiary' | 'quaternary' | 'identical'

/**
 * The order of strings in a language, by the Unicode Collation Algorithm with CLDR's data. The
 * names are MongoDB's. Without a collation strings are compared by their UTF-16 code units.
 */
export interface Collation {
  /**
   * A locale such as `'fr'`, `'en-US'`, `'zh-Hant'`, or `'de-u-co-phonebk'` for another order of a
   * language; `'und'` is the order that languages have in common.
   */
  locale: string
  /**
   * Which differences count. `'primary'` (1): letters. `'secondary'` (2): accents, too.
   * `'tertiary'` (3): case, too. `'quaternary'` (4): with `alternate: 'shifted'`, punctuation, too.
   * `'identical'` (5): all, but not how characters are composed. Default: 'tertiary'.
   */
  strength?: Strength | 1 | 2 | 3 | 4 | 5 | undefined
  /** Compare case before the third level, so also with strength 1 and 2. Default: false. */
  caseLevel?: boolean | undefined
  /** Which case comes first at the third level. Default: the locale's, mostly 'off'. */
  caseFirst?: 'off' | 'upper' | 'lower' | undefined
  /** Compare digits as numbers: `'a9'` before `'a10'`. Default: the locale's, mostly false. */
  numericOrdering?: boolean | undefined
  /** `'shifted'`: blanks and punctuation count only at the fourth level. Default: the locale's. */
  alternate?: 'non-ignorable' | 'shifted' | undefined
  /** Up to which characters `'shifted'` goes. Default: 'punct'. */
  maxVariable?: 'space' | 'punct' | 'symbol' | 'currency' | undefined
}

/** A collation with all its settings. */
export type ResolvedCollation = {
  readonly [O in keyof Collation]-?: Exclude<Collation[O], number | undefined>
}

/** Options of `find`. */
export interface FindOptions<T = any> {
  /** Default: as the plan finds the documents; without an index, by their primary keys. */
  sort?: Sort<T> | undefined
  /** The order of strings, in the filter and the sort. Default: by code units. */
  collation?: Collation | undefined
  /** Default: whole documents. */
  select?: Projection<T> | undefined
  /** Rows at most. Default: all. */
  limit?: number | undefined
  /** Rows to leave out first. Default: 0. */
  skip?: number | undefined
  /** The same as `skip`. */
  offset?: number | undefined
  /** The index to use (INVALID_QUERY if it cannot serve). Default: the planner's choice. */
  hint?: string | undefined
  /** Ends the query (ABORTED). */
  signal?: AbortSignal | undefined
}

/** A key and a document; what a search found of it, where the query has `$vector`. */
export interface QueryEntry<Document = any, K = any> extends Entry<Document, K, K> {
  distance?: number
  score?: number
}

/** Options of `delete` on what a query finds. */
export interface DeleteFoundOptions {
  /**
   * So many documents at a time, 1 to 1,000,000, each batch in a transaction of its own, in the
   * order of the primary keys. What batches have done stays, also when a later one fails, and
   * others write between them. Not inside a transaction, nor with `sort` and `skip`. Default: one
   * transaction, all or none.
   */
  batch?: number | undefined
  /** Called after each batch; what it throws ends the work and is thrown on. */
  onProgress?: ((progress: Progress) => void) | undefined
  /** Keeps the work from being begun, and ends it between batches (ABORTED). */
  signal?: AbortSignal | undefined
}

/** Options of `update` on what a query finds. */
export interface UpdateFoundOptions
  extends DeleteFoundOptions, Pick<UpdateOptions, 'arrayFilters'> {
  /**
   * If the query finds nothing, insert a document that is made of what its filter says fields are
   * equal to (`{ a: 1 }`, `$eq`, a single value of `$in`; also inside `$and`), and then updated,
   * `$setOnInsert` included. A primary key that it does not have is generated. Not with `batch`,
   * nor with `skip`. Default: false.
   */
  upsert?: boolean | undefined
}

/** Options of `page`. */
export interface PageOptions {
  /** Documents of a page, 1 to 100,000. Default: the query's `limit`. */
  size?: number | undefined
  /** The `next` of another page. Default: the query's `cursor`. */
  after?: string | null | undefined
  /** The `prev` of another page. */
  before?: string | null | undefined
  /** Whether the page tells how much was looked at for it. Default: false. */
  explain?: boolean | undefined
}

/** Some documents, and where to go on. */
export interface Page<T = any> {
  items: T[]
  /** The token of the next page, for `after`; null behind the last one. */
  next: string | null
  /** The token of the page before, for `before`; null before the first one. */
  prev: string | null
  /** Whether there are more in the direction that was read. */
  hasMore: boolean
  /** With `explain`: how many entries of indexes were passed. */
  examinedKeys?: number
  /** With `explain`: how many documents were read. */
  examinedDocs?: number
}

/** How a query is answered, as `explain` tells. */
export interface Explanation {
  /** The plan that was chosen. */
  plan: string
  /** The plans that were considered; a cost is about that of so many documents. */
  candidates: {
    plan: string
    cost: number | null
    estimatedRows: number
    rejectedBecause: string | null
  }[]
  /** The index that is used, the first one if there are several. */
  index: string | null
  direction: 'forward' | 'backward'
  /** For each index that is used: the ranges of each field, to be read by people. */
  bounds: { [path: string]: string[] }[]
  /** Whether the filter is checked on each document. */
  residual: boolean
  /** What sorts; `method` is how, if the plan does not. */
  sort: { by: string[]; from: string; method: 'top-k' | 'in memory' | 'spilled' | null } | null
  /** The order of strings that the query asks for. */
  collation: ResolvedCollation | null
  /** Rows that passed. */
  returned: number
  /** Entries of indexes, and documents, that were looked at: counted, not estimated. */
  examinedKeys: number
  examinedDocs: number
  /** How long it took, in milliseconds. */
  millis: number
  /** How the search was made, if the filter has `$vector`. */
  nearest?: NearestExplanation['nearest']
}

/** What a selection of fields keeps. */
type SelectedBy<T, S> =
  IsFree<T> extends true
    ? any
    : S extends readonly (infer P extends string)[]
      ? Selected<T, P>
      : Partial<T>

type ElementAt<V> = V extends readonly (infer Element)[] ? Element : V

/**
 * A query. Nothing is read before it is awaited (all rows in an array) or iterated (`for await`, no
 * faster than rows are taken), and each time it is read anew, in one state of the database; inside
 * a transaction that writes, as the transaction has it. Immutable: methods that say more about it
 * give a new query.
 *
 * Answers reject with INVALID_QUERY, with the path of what is wrong; EXPRESSION, RESOURCE_LIMIT,
 * ABORTED, INDEX_NOT_FOUND, INDEX_NOT_READY; and as other reads of the store.
 *
 * @example
 * const adults = users.find({ age: { $gte: 18 } }).sort('-age')
 * console.log(await adults.count(), await adults.limit(20))
 * for await (const user of adults) console.log(user.name)
 */
export interface Query<Document = any, K = unknown, Row = Document, Value = Document>
  extends Conditions<Document>, AsyncIterable<Row>, PromiseLike<Row[]> {
  /** The order of the rows. */
  sort(sort: Sort<Document>): this
  /** A further field to order by. */
  orderBy(field: Path<Document>, direction?: 'asc' | 'desc'): this
  /** A further field to order by, least first. */
  orderByAsc(field: Path<Document>): this
  /** A further field to order by, greatest first. */
  orderByDesc(field: Path<Document>): this
  /**
   * The order of strings: that of a sort, and that by which the conditions compare ($eq, $ne, $in,
   * $nin, $gt, $gte, $lt, $lte, $between, $all, $elemMatch). Patterns ($regex, $like, $startsWith
   * …) are not affected, and neither is what an update does. Not with `$expr`, nor before stages of
   * a pipeline (groupBy, join, sum, distinct …): INVALID_QUERY.
   *
   * @example
   * await users.find({ name: 'rené' }).sort('name').collation({ locale: 'fr', strength: 1 })
   */
  collation(collation: Collation): this
  /** Rows at most. */
  limit(count: number): this
  /** Rows to leave out first. */
  skip(count: number): this
  /** The same as `skip`. */
  offset(count: number): this
  /** The index to use. */
  hint(index: string): this
  /** Ends the query when it is aborted. */
  signal(signal: AbortSignal): this
  /** Where the next `page` begins: the token of another one; null is the first page. */
  cursor(token: string | null): this

  /** The fields of the documents to read. It stands before `filter`, `keys` and `entries`. */
  select<const P extends readonly Path<Document>[]>(
    fields: P,
  ): Query<Document, K, SelectedBy<Document, P>, SelectedBy<Document, P>>
  select<P extends Path<Document>>(
    ...fields: P[]
  ): Query<Document, K, SelectedBy<Document, P[]>, SelectedBy<Document, P[]>>
  select(
    fields: Projection<Document>,
  ): Query<Document, K, SelectedBy<Document, object>, SelectedBy<Document, object>>

  /**
   * A function that rows have to pass, which is called for those that pass the other conditions,
   * with what is selected of the document, and answers at once. `limit` and `skip` count what
   * passes, wherever they stand. Not with `page`, `update` and `delete`.
   */
  filter(fn: (document: Value) => unknown): this

  /** The primary keys instead of the documents. */
  keys(): Query<Document, K, K, Value>
  /** The keys and the documents. */
  entries(): Query<Document, K, QueryEntry<Value, K>, Value>

  /** All rows in an array: the same as awaiting the query. */
  toArray(): Promise<Row[]>
  /** The first row, or undefined. */
  first(): Promise<Row | undefined>
  /** Whether there is a row. */
  exists(): Promise<boolean>
  /** How many rows there are, with `limit` and `skip`. */
  count(): Promise<number>

  /**
   * Some documents in order, and tokens of the pages before and behind them. A page costs the same
   * wherever it is, and documents that come and go between pages never make one repeat or skip
   * others.
   *
   * @throws {LodestoreError} INVALID_CURSOR for a token of another query; INVALID_QUERY with `skip`
   */
  page(options?: PageOptions): Promise<Page<Row>>

  /** How the query is answered. */
  explain(options?: { format?: 'json' | undefined }): Promise<Explanation>
  explain(options: { format: 'text' }): Promise<string>

  /**
   * The documents of another store that have a value of a field, as an array.
   *
   * @example
   * await orders.find().join('users', { local: 'userId', foreign: 'id', as: 'user' })
   */
  join(store: string, options: JoinOptions<Document>): Pipeline
  /**
   * A row for each combination of values of some fields, with what accumulators make of the group.
   *
   * @example
   * await orders.find().groupBy('city', { total: { $sum: '$price' } }).having('total', '>', 100)
   */
  groupBy(fields: GroupFields<Document>, accumulators?: Accumulators): Pipeline
  /** Stages over the rows, as of `aggregate`. */
  stages<Next = any>(stages: readonly Stage[]): Pipeline<Next>
  /** The sum of a field's numbers; 0 without one. */
  sum(field: Path<Document>): Promise<number | bigint>
  /** The average of a field's numbers, or undefined. */
  avg(field: Path<Document>): Promise<number | undefined>
  /** The least value of a field in the order of all types, or undefined. */
  min<P extends Path<Document>>(field: P): Promise<NonNullable<ValueAt<Document, P>> | undefined>
  /** The greatest value of a field in the order of all types, or undefined. */
  max<P extends Path<Document>>(field: P): Promise<NonNullable<ValueAt<Document, P>> | undefined>
  /** The values of a field, each once and in no order; of arrays their elements. */
  distinct<P extends Path<Document>>(field: P): Promise<ElementAt<ValueAt<Document, P>>[]>

  /**
   * Changes the documents by operators or stages, all or none, in the transaction that finds them;
   * with `sort` and `limit` only some; with `batch` so many in each of several transactions. In
   * paths `$` is the first element of an array that meets what the filter asks of its elements.
   *
   * @throws {LodestoreError} INVALID_UPDATE, EXPRESSION, KEY_IMMUTABLE, UNIQUE_VIOLATION, with the
   *   key of the document; TX_TOO_LARGE, TX_READ_ONLY, ABORTED; and then nothing has changed. With
   *   `batch` nothing of the batch that failed: the error's `matched` and `modified` say what those
   *   before it did. With `upsert` also KEY_EXISTS, and INVALID_KEY if there is no key to be had
   * @example
   * await users.find({ city: 'Paris' }).update({ $inc: { visits: 1 } })
   * await users.find().update({ $unset: { old: '' } }, { batch: 10_000 })
   * await pages.find({ path: '/' }).update({ $inc: { visits: 1 } }, { upsert: true })
   */
  update(
    update: Update<Document> | UpdatePipeline,
    options?: UpdateFoundOptions,
  ): Promise<UpdateResult<K>>

  /**
   * Deletes the documents, all or none, in the transaction that finds them; with `batch` so many in
   * each of several transactions.
   *
   * @returns how many there were
   * @throws {LodestoreError} TX_TOO_LARGE, TX_READ_ONLY, ABORTED; with `matched` and `modified` if
   *   they were deleted in batches
   */
  delete(options?: DeleteFoundOptions): Promise<number>

  catch<R = never>(onRejected?: ((reason: any) => R | PromiseLike<R>) | null): Promise<Row[] | R>
  finally(onFinally?: (() => void) | null): Promise<Row[]>
  [Symbol.asyncIterator](): ScanIterator<Row>
}

/** A query whose values are given when it runs. */
export interface PreparedQuery<Document = any, K = unknown> {
  /** The names of the parameters. */
  readonly parameters: string[]
  /**
   * The query with these values, which stand for nothing but values: one that looks like an
   * operator is compared with.
   *
   * @throws {LodestoreError} INVALID_ARGUMENT for one that is missing, or not there
   */
  run(parameters?: { readonly [name: string]: unknown }): Query<Document, K>
}
