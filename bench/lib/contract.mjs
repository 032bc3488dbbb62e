/**
 * A database of the benchmark behind one interface. Methods may answer at once or with a promise;
 * a workload is left out for databases without the methods that it needs.
 *
 * @typedef {object} Database
 * @property {(documents: object[]) => unknown} [insertMany] in one transaction
 * @property {(document: object) => unknown} [put] settles once it is as durable as was asked for
 * @property {(document: object) => unknown} [putAlone] the same for a caller who waits for each
 *   write, where that is another call
 * @property {(id: number) => unknown} [update] adds 1 to `age`
 * @property {(id: number) => unknown} [updateAlone] as `putAlone`
 * @property {(seconds: number) => Promise<number>} [measurePuts] of references that put, measure
 *   and check by themselves: puts a second
 * @property {(id: number) => unknown} [runTransaction] reads in a transaction that calls join
 * @property {(document: object) => object} [plain] a document without what the peer adds to it
 * @property {(id: number) => object} [getSync]
 * @property {(id: number) => unknown} [get]
 * @property {(ids: number[]) => unknown} [getMany] in the order of the ids
 * @property {(from: number, limit: number) => unknown} [page] documents in the order of their ids
 * @property {(city: string) => unknown} [findByCity] in any order
 * @property {(least: number, limit: number) => unknown} [findFromScore] sorted by score
 * @property {(city: string) => unknown} [queryByCity] the same by a filter, where that is another
 *   call
 * @property {(least: number, limit: number) => unknown} [queryFromScore] the same
 * @property {() => unknown} [groupByCity] `{ city, count, sum }` of scores, in any order; without
 *   it, JavaScript groups what `forEach` gives
 * @property {(cities: { name: string, country: number }[]) => unknown} [insertCities] into a store
 *   or table of their own, by their names
 * @property {(below: number) => unknown} [joinCities] `{ id, score, country }` of the documents of
 *   lower ids with their cities, in any order
 * @property {(age: number) => unknown} [filterByAge] a field without an index, in any order
 * @property {(visit: (document: object) => void) => unknown} [forEach] in the order of the ids
 * @property {() => unknown} [readAll] an array of all documents
 * @property {() => unknown} [count]
 * @property {(city: string) => unknown} [countByCity]
 * @property {(ids: number[]) => unknown} [deleteMany] in one transaction
 * @property {() => unknown} close
 */

/**
 * An index of vectors behind one interface; a workload is left out as for a `Database`.
 *
 * @typedef {object} VectorIndex
 * @property {(documents: { id: number, share: number, vector: Float32Array }[]) => unknown} add
 * @property {() => unknown} ready settles when all that was added is found as fast as it will be,
 *   and is in the files of the directory
 * @property {(width: number) => void} [setWidth] how many candidates searches look at; without it
 *   they compare with all vectors
 * @property {(vector: Float32Array, k: number) => unknown} search ids of the nearest by the cosine
 * @property {(vector: Float32Array, k: number, below: number) => unknown} [searchBelow] the same of
 *   those with a share below a number
 * @property {() => unknown} close
 */

/**
 * What the benchmark compares.
 *
 * @typedef {object} Peer
 * @property {string} name
 * @property {string} title
 * @property {string | null} package the npm package it comes from
 * @property {Partial<Record<Durability, string>>} durability what an acknowledged write has
 *   reached, by mode; a mode that is not here cannot be had, and its workloads are left out
 * @property {boolean} [canCompress]
 * @property {(path: string) => Promise<{ indexedDB: IDBFactory, IDBKeyRange: object }>} [openScope]
 *   the globals of IndexedDB, with databases in this directory; the whole of what peers offer that
 *   are IndexedDB and nothing else
 * @property {(path: string, options: { durability: Durability, compression?: boolean,
 *   encrypted?: boolean }) => Promise<Database>} [open] `path` is a directory; creates what is
 *   missing; `encrypted` with the key of `key.mjs`
 * @property {string[]} [precisions] what graphs of vectors may keep components as
 * @property {(path: string, options: { dimensions: number, precision: string }) =>
 *   Promise<VectorIndex>} [openVectors] a new index in a directory
 */

/**
 * Where a workload stands.
 *
 * @typedef {object} Context
 * @property {Peer} peer
 * @property {number} moduleTime milliseconds that loading the peer's module took
 * @property {Database} [db] open, unless the stage is `closed`
 * @property {number} count documents in the loaded set
 * @property {import('../dataset.mjs').Random} random
 * @property {() => import('../dataset.mjs').Expected} expected
 * @property {number} seconds for which a workload is repeated
 * @property {string} path the directory of the database
 * @property {boolean} encrypted whether it is opened with a key
 * @property {{ anonymous: number | undefined, resident: number }} before bytes of memory that were
 *   held before the database was opened
 * @property {() => Promise<void>} close closes the database before the workload ends
 */

/**
 * @typedef {object} Workload
 * @property {string} name
 * @property {string} title
 * @property {'docs/s' | 'ops/s' | 'queries/s' | 'ms' | 'MB'} unit
 * @property {(string | string[])[]} needs methods of the database; of a list, one will do
 * @property {boolean} [grows] whether it belongs to the table of growth
 * @property {string} [note] what a reader has to know of it
 * @property {(context: Context) => Promise<number | Outcome> | number | Outcome} run
 */

/**
 * What a workload measured.
 *
 * @typedef {object} Outcome
 * @property {number} figure
 * @property {number} [recall] the part of what should be found that was
 * @property {number} [resident] megabytes by which all resident memory grew, mapped files included
 */

/**
 * Workloads that run one after the other in one process.
 *
 * @typedef {object} Group
 * @property {string} name
 * @property {'empty' | 'kept' | 'loaded' | 'copy' | 'closed'} stage what they find: an empty
 *   database, the same one that later groups find loaded, the loaded one, a copy of it, or the
 *   loaded one that is not open yet
 * @property {Api} [api] by which the database is opened, `own` by default
 * @property {Durability} durability
 * @property {string} [loads] the workload that the other ones of the group, and those of groups
 *   that find the database loaded, need to have run
 * @property {boolean} [compression]
 * @property {string} [precision] of graphs of vectors
 * @property {number} [patience] how many times as long as others its processes may take (1)
 * @property {number} [times] processes in a row in each pass, whose median counts (1)
 * @property {Workload[]} workloads
 */

/**
 * What a workload talks to: a `Database`, one that is encrypted (`sealed`), `IndexedDb`
 * (`indexeddb.mjs`), which is the same over every peer that offers IndexedDB, or a `VectorIndex`.
 *
 * @typedef {'own' | 'sealed' | 'indexeddb' | 'vectors'} Api
 */

/**
 * What an acknowledged write may be asked to reach: what the peer does unasked; the disk; the disk
 * but for the last writes; the page cache.
 *
 * @typedef {'default' | 'strict' | 'relaxed' | 'none'} Durability
 */
export const DURABILITIES = ['default', 'strict', 'relaxed', 'none']
