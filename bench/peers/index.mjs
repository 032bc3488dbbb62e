/**
 * The peers, in the order in which they are shown. A reference is no database: it is only written
 * to, and nothing is compared with it. `load` is called only in the process that uses
 * the peer, so a package that is missing costs only its own rows.
 *
 * @type {{ name: string, package: string | null, since?: number,
 *   isReference?: boolean, load: () => Promise<import('../lib/contract.mjs').Peer> }[]}
 */
export const PEERS = [
  {
    name: 'lodestore',
    package: null,
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
    since: 22,
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
    load: async () => (await import('./nedb.mjs')).default,
  },
  {
    name: 'append',
    package: null,
    isReference: true,
    load: async () => (await import('./append.mjs')).default,
  },
]
