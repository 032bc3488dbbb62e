// Pipelines: stages that documents go through.

import type { Condition, WhereOperator } from './conditions'
import type { Expression } from './expression'
import type { Filter } from './filter'
import type { DiversityOptions, VectorLike } from './nearest'
import type { Path } from './paths'
import type { Explanation, Projection, Sort } from './query'

/**
 * A search for the documents nearest to a vector, as the first stage of a pipeline. Behind it
 * `{ $meta: 'vectorSearchScore' }` and `{ $meta: 'vectorSearchDistance' }` are expressions, up to
 * the first stage that lets documents wait, such as `$sort` or `$group`.
 */
export interface VectorSearchStage {
  /** The vector index. */
  index: string
  /** The field of its vectors, if that is to be checked (INVALID_QUERY). */
  path?: string | undefined
  /** The vector to search for. */
  queryVector: VectorLike
  /** Documents at most. */
  limit: number
  /** What documents have to be. Default: all are searched. */
  filter?: Filter | Condition | undefined
  /** Leave out documents that are further away. Default: any distance. */
  maxDistance?: number | undefined
  /** As for `nearest`. */
  exact?: boolean | undefined
  /** In place of `efSearch` of `nearest`, as MongoDB calls it: from `limit` to 1,000,000. */
  numCandidates?: number | undefined
  /** As for `nearest`. */
  mmr?: DiversityOptions | undefined
}

/** What the stages that are checked take. */
interface StageOperands {
  $match: Filter | Condition
  $sort: { readonly [path: string]: 1 | -1 }
  $skip: number
  $limit: number
  $count: string
  $unset: string | readonly string[]
  $out: string
  $vectorSearch: VectorSearchStage
  $group: { readonly _id: unknown; readonly [name: string]: unknown }
}

/** The names of stages. */
export type StageName =
  | keyof StageOperands
  | '$addFields'
  | '$bucket'
  | '$bucketAuto'
  | '$distinct'
  | '$facet'
  | '$lookup'
  | '$merge'
  | '$project'
  | '$replaceRoot'
  | '$replaceWith'
  | '$sample'
  | '$set'
  | '$setWindowFields'
  | '$sortByCount'
  | '$unionWith'
  | '$unwind'

/** A stage: an object whose only field is its name, in MongoDB's words. */
export type Stage = {
  [Name in StageName]: {
    readonly [N in Name]: Name extends keyof StageOperands ? StageOperands[Name] : unknown
  }
}[StageName]

/** Options of `aggregate`. */
export interface AggregateOptions {
  /** The index to use for a `$match` and `$sort` at the front. */
  hint?: string | undefined
  /**
   * Bytes that stages may hold (then RESOURCE_LIMIT; sorts go on in temporary files).
   * Default: 256 MiB.
   */
  memoryLimit?: number | undefined
  /** Ends it (ABORTED). */
  signal?: AbortSignal | undefined
}

/** Options of `join`. */
export interface JoinOptions<Document = any> {
  /** A field of this side. */
  local: Path<Document>
  /** The field of the other store that equals it. */
  foreign: string
  /** Where the documents of the other store go, as an array. Default: that store's name. */
  as?: string | undefined
}

/** What `groupBy` groups by: a path, several, or paths and expressions by name. */
export type GroupFields<Document = any> =
  | Path<Document>
  | readonly Path<Document>[]
  | {
      readonly [name: string]: Path<Document> | Expression | { readonly [o: `$${string}`]: unknown }
    }

/** Accumulators by name: `{ orders: { $count: {} }, total: { $sum: '$price' } }`. */
export interface Accumulators {
  readonly [name: string]: { readonly [accumulator: `$${string}`]: unknown }
}

/** What a stage did; all of it is counted. */
export interface StageExplanation {
  stage: StageName
  /** Rows that came to it, and that it gave. */
  rowsIn: number
  rowsOut: number
  /** The most bytes that it held at once. */
  memory: number
  /** How it worked, if there are several ways. */
  method: string | null
  /** What it read of another store, and the plan of its first query. */
  read?: {
    store: string
    plan: string
    queries: number
    examinedKeys: number
    examinedDocs: number
  }
  /** The stages of the pipelines within it, by name. */
  pipelines?: { [name: string]: StageExplanation[] }
}

/** How a pipeline ran, as `explain` tells. */
export interface PipelineExplanation {
  /** The first stages, which a query answered, and how it did. */
  front: { stages: StageName[] } & Explanation
  /** The stages behind them. */
  stages: StageExplanation[]
  /** Where rows would have been written. */
  output: { stage: '$out' | '$merge'; store: string } | null
  /** Rows that came out. */
  returned: number
  /** Entries of indexes, and documents, that were looked at in all stores. */
  examinedKeys: number
  examinedDocs: number
  /** The most bytes that stages held at once. */
  memory: number
  /** How long it took, in milliseconds. */
  millis: number
}

/**
 * A pipeline over a store. Nothing is read before it is awaited (all rows in an array) or iterated,
 * and each time it is read anew, in one state of the database. Immutable: methods append stages and
 * give a new one. One that ends with `$out` or `$merge` writes when it is awaited, all or none, and
 * has no rows.
 *
 * Answers reject with INVALID_QUERY, with the path of what is wrong; EXPRESSION, RESOURCE_LIMIT,
 * ABORTED, STORE_NOT_FOUND; and as other reads, or writes, of the store.
 */
export interface Pipeline<Row = any> extends AsyncIterable<Row>, PromiseLike<Row[]> {
  /** The rows for which conditions hold. */
  having(field: Path<Row>, value: unknown): this
  having(field: Path<Row>, operator: WhereOperator, value: unknown): this
  having(condition: Filter<Row> | Condition | Expression): this
  /** The documents of another store that have a value of a field, as an array. */
  join(store: string, options: JoinOptions<Row>): Pipeline
  /** A row for each combination of values of some fields. */
  groupBy(fields: GroupFields<Row>, accumulators?: Accumulators): Pipeline
  /** The order of the rows. */
  sort(sort: Sort<Row>): this
  /** A further field to order by, least first. */
  orderByAsc(field: Path<Row>): this
  /** A further field to order by, greatest first. */
  orderByDesc(field: Path<Row>): this
  /** Rows at most, of those so far. */
  limit(count: number): this
  /** Rows to leave out first, of those so far. */
  skip(count: number): this
  /** The same as `skip`. */
  offset(count: number): this
  /** The fields to keep. */
  select(fields: Projection<Row>): Pipeline
  select(...fields: Path<Row>[]): Pipeline
  /** Further stages. */
  stages<Next = any>(stages: readonly Stage[]): Pipeline<Next>
  /** Ends it when it is aborted. */
  signal(signal: AbortSignal): this

  /** All rows in an array: the same as awaiting it. */
  toArray(): Promise<Row[]>
  /** The first row, or undefined. */
  first(): Promise<Row | undefined>
  /** How many rows there are. */
  count(): Promise<number>
  /** How it runs, counted by running it; what ends with `$out` or `$merge` is not written. */
  explain(options?: { format?: 'json' | undefined }): Promise<PipelineExplanation>
  explain(options: { format: 'text' }): Promise<string>
  /** The stages. */
  toStages(): { [stage: string]: unknown }[]

  catch<R = never>(onRejected?: ((reason: any) => R | PromiseLike<R>) | null): Promise<Row[] | R>
  finally(onFinally?: (() => void) | null): Promise<Row[]>
  [Symbol.asyncIterator](): AsyncIterator<Row, undefined, undefined>
}
