// Searches in vector indexes, as stores give them.

import type { FilterLike } from './filter'
import type { Explanation, Projection } from './query'

/** What a vector is compared by. */
export type VectorMetric = 'cosine' | 'dot' | 'l2' | 'hamming'

/** How exactly the graph of an index has its vectors. */
export type VectorPrecision = 'f32' | 'f16' | 'bf16' | 'i8' | 'b1'

/** A vector to search for: bits in a `Uint8Array`, components in anything else. */
export type VectorLike =
  Float32Array | Float64Array | Int8Array | Uint8Array | HalfFloats | readonly number[]

/** A `Float16Array`, where the runtime has it. */
export interface HalfFloats {
  readonly [Symbol.toStringTag]: 'Float16Array'
  readonly length: number
  readonly [index: number]: number
}

/**
 * Maximal marginal relevance: documents are chosen one after the other from the nearest, by how
 * near each is and how little it is like those before it. They come in the order of choice.
 */
export interface DiversityOptions {
  /** What nearness counts, from 0 to 1; the rest is what difference counts. Default: 0.5. */
  lambda?: number | undefined
  /** How many of the nearest to choose from: `k` to 10,000. Default: 4 `k`, at least 20. */
  fetchK?: number | undefined
}

/** What `recommend` goes by: keys of documents, and vectors. */
export interface Examples<K = any> {
  /** What documents are to be like; one at least. */
  positive: Iterable<K | { readonly vector: VectorLike }>
  /** What they are not to be like. */
  negative?: Iterable<K | { readonly vector: VectorLike }> | undefined
}

/** Options of `nearest`, `nearestMany` and `recommend`. */
export interface NearestOptions<T = any> {
  /** Documents to find, at most. Default: 10. */
  k?: number | undefined
  /** A filter that documents have to pass. Default: all do. */
  where?: FilterLike<T> | undefined
  /**
   * How many candidates are kept by a search in the graph of the index: from 8 to 65,536. More find
   * more of the nearest, and take longer. An exact search keeps none. Default: what the index says.
   */
  efSearch?: number | undefined
  /**
   * The answer has to be exact: all vectors of documents that pass the filter are looked at.
   * Otherwise the graph of a large index is asked, which may miss one of the nearest. Default:
   * false.
   */
  exact?: boolean | undefined
  /** Leave out documents that are further away. Default: any distance. */
  maxDistance?: number | undefined
  /** Let the documents differ from each other. Default: the nearest ones, whatever they are. */
  mmr?: DiversityOptions | undefined
  /** The fields of the documents to read, as queries have it. Default: all. */
  select?: Projection<T> | undefined
  /**
   * With `false`, documents come without the field that has their vectors, which saves reading it.
   * Not together with `select`. Default: true.
   */
  includeVectors?: boolean | undefined
  /** Ends the search when it is aborted (ABORTED). */
  signal?: AbortSignal | undefined
}

/** A document that was found by its vectors. */
export interface NearestHit<T = any, K = any> {
  /** The primary key. */
  key: K
  /**
   * How far its vector is, of several vectors the nearest: with `cosine` 1 − the cosine, from 0 to
   * 2; with `dot` the negative inner product; with `l2` the Euclidean distance; with `hamming` how
   * many bits differ.
   */
  distance: number
  /**
   * How alike the vectors are, more being nearer: with `cosine` the cosine, with `dot` the inner
   * product, with `l2` 1 / (1 + distance), with `hamming` the share of bits that are equal.
   */
  score: number
  /** The document, or of it what was selected. */
  doc: T
}

/** How a search was answered. */
export interface NearestExplanation extends Explanation {
  nearest: {
    /** The vector index. */
    index: string
    metric: VectorMetric
    dimensions: number
    k: number
    /** How many vectors `nearestMany` searched for. */
    vectors?: number
    /** How documents were chosen. */
    mmr?: { lambda: number; fetchK: number }
    /** How many examples `recommend` went by. */
    examples?: { positive: number; negative: number }
    /**
     * `'exact'`: every vector of a document that passes the filter was looked at; `'graph'`: the
     * nearest were found by the graph; `'scan of the graph's vectors'`: by looking at all of those,
     * where a graph helps little.
     */
    method: 'exact' | 'graph' | "scan of the graph's vectors"
    /** Why it was answered in this way. */
    because: string
    /** How exactly the graph has its vectors. */
    precision?: VectorPrecision
    /** How many candidates a search of ten keeps; null: all vectors of the graph are compared. */
    efSearch?: number | null
    /** How many candidates were asked for, which are more with a filter. */
    candidates?: number
    /** Vectors of the graph, with those that were deleted since. */
    inGraph?: number
    /** Of these, those that are known to be gone: searches pass over them within the graph. */
    gone?: number
    /** Vectors of the graph that were read from its file, instead of being added. */
    fromFile?: number
    /** Vectors that its file has, from which the next process to open the database reads them. */
    inFile?: number
    /** Bytes of memory that the graph takes. */
    memory?: number
    /** Bytes of its vectors that are read from its file, since there is no memory for them. */
    mapped?: number
    /**
     * Whether searches walk through the graph by copies of its vectors in bytes, which `'f32'` has
     * where there is room for them, and compare what they find with the vectors themselves.
     */
    copies?: boolean
    /**
     * Vectors of the documents that pass the filter, if it is known which these are: then only they
     * are looked at.
     */
    among?: number
    /** Labels that were given since the graph was brought up to date: looked at one by one. */
    notInGraph?: number
    /** Documents that were looked at. */
    compared?: number
    /**
     * Of several vectors, how many the graph had named too few documents for, so that all were
     * looked at.
     */
    exactFor?: number
  }
}

/**
 * A search. Nothing is read before it is awaited, and each time it is read anew, in one state of
 * the database; inside a transaction that writes, as the transaction has it.
 *
 * Rejects with INVALID_QUERY, INDEX_NOT_FOUND, INDEX_NOT_READY, DIMENSION_MISMATCH, ABORTED, and as
 * all reads.
 */
export interface Nearest<T = any, K = any> extends PromiseLike<NearestHit<T, K>[]> {
  /** What was found: the nearest first, of equally near documents the one with the least key. */
  toArray(): Promise<NearestHit<T, K>[]>
  catch: Promise<NearestHit<T, K>[]>['catch']
  finally: Promise<NearestHit<T, K>[]>['finally']
  /** How the search is answered: it is carried out. */
  explain(options?: { format?: 'json' | undefined }): Promise<NearestExplanation>
  explain(options: { format: 'text' }): Promise<string>
}

/** Searches for several vectors, in one state of the database. See `Nearest`. */
export interface NearestMany<T = any, K = any> extends PromiseLike<NearestHit<T, K>[][]> {
  /** What was found for each vector, in their order. */
  toArray(): Promise<NearestHit<T, K>[][]>
  catch: Promise<NearestHit<T, K>[][]>['catch']
  finally: Promise<NearestHit<T, K>[][]>['finally']
  /** How the searches are answered: they are carried out. */
  explain(options?: { format?: 'json' | undefined }): Promise<NearestExplanation>
  explain(options: { format: 'text' }): Promise<string>
}
