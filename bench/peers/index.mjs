/** Why a peer that keeps all documents in memory is left out of large sets. */
const IN_MEMORY = 'it holds all documents in memory, and reads them all at each open'
const LARGEST_IN_MEMORY = 100_000

/**
 * The peers, in the order in which they are shown. A reference is no document store: it is only
 * written to, and only goals that name it are compared with it; one that is shown for scale is not
 * compared either. `load` is called only in the process that uses the peer, so a package that is
 * missing costs only its own rows. `since` is the Node.js release that a peer needs, `largest` the
 * most documents that it is given, `program` a crate of this directory that is built for it, `apis`
 * what it offers (`own` alone by default).
 *
 * @type {{ name: string, package: string | null, since?: number, isReference?: boolean,
 *   isForScale?: boolean, program?: string, apis?: import('../lib/contract.mjs').Api[],
 *   largest?: { count: number, reason: string },
 *   load: () => Promise<import('../lib/contract.mjs').Peer> }[]}
 */
export const PEERS = [
  {
    name: 'lodestore',
    package: null,
    apis: ['own', 'indexeddb', 'sealed', 'vectors'],
    load: async () => (await import('./lodestore.mjs')).default,
  },
  {
    name: 'lmdb',
    package: 'lmdb',
    load: async () => (await import('./lmdb.mjs')).default,
  },
  {
    name: 'better-sqlite3-json',
    package: 'better-sqlite3',
    load: async () => (await import('./better-sqlite3.mjs')).json,
  },
  {
    name: 'better-sqlite3-columns',
    package: 'better-sqlite3',
    load: async () => (await import('./better-sqlite3.mjs')).columns,
  },
  {
    name: 'node-sqlite',
    package: null,
    since: 24,
    load: async () => (await import('./node-sqlite.mjs')).default,
  },
  {
    name: 'classic-level',
    package: 'classic-level',
    load: async () => (await import('./classic-level.mjs')).default,
  },
  {
    name: 'nedb',
    package: '@seald-io/nedb',
    largest: { count: LARGEST_IN_MEMORY, reason: IN_MEMORY },
    load: async () => (await import('./nedb.mjs')).default,
  },
  {
    name: 'lokijs',
    package: 'lokijs',
    isForScale: true,
    largest: { count: LARGEST_IN_MEMORY, reason: IN_MEMORY },
    load: async () => (await import('./lokijs.mjs')).default,
  },
  {
    name: 'heed',
    package: null,
    isReference: true,
    program: 'reference',
    load: async () => (await import('./heed.mjs')).default,
  },
  {
    name: 'append',
    package: null,
    isReference: true,
    load: async () => (await import('./append.mjs')).default,
  },
  {
    name: 'multiple-ciphers-json',
    package: 'better-sqlite3-multiple-ciphers',
    apis: ['sealed'],
    load: async () => (await import('./multiple-ciphers.mjs')).json,
  },
  {
    name: 'multiple-ciphers-columns',
    package: 'better-sqlite3-multiple-ciphers',
    apis: ['sealed'],
    load: async () => (await import('./multiple-ciphers.mjs')).columns,
  },
  {
    name: 'indexeddbshim',
    package: 'indexeddbshim',
    apis: ['indexeddb'],
    load: async () => (await import('./indexeddbshim.mjs')).default,
  },
  {
    name: 'fake-indexeddb',
    package: 'fake-indexeddb',
    apis: ['indexeddb'],
    load: async () => (await import('./fake-indexeddb.mjs')).default,
  },
  {
    name: 'usearch',
    package: 'usearch',
    apis: ['vectors'],
    load: async () => (await import('./vectors.mjs')).usearch,
  },
  {
    name: 'hnswlib-node',
    package: 'hnswlib-node',
    apis: ['vectors'],
    load: async () => (await import('./vectors.mjs')).hnswlib,
  },
  {
    name: 'sqlite-vec',
    package: 'sqlite-vec',
    apis: ['vectors'],
    load: async () => (await import('./vectors.mjs')).sqliteVec,
  },
  {
    name: 'lancedb',
    package: '@lancedb/lancedb',
    apis: ['vectors'],
    load: async () => (await import('./vectors.mjs')).lance,
  },
]

/** Whether a peer offers what a group of workloads talks to. */
export const offersApi = ({ apis = ['own'] }, { api = 'own' }) => apis.includes(api)
