/** The database that writers are killed on: its stores, and documents that tell what they are. */

/** What every process opens the database with. */
export const STORES = {
  plain: {
    keyPath: 'id',
    indexes: {
      byLane: { on: ['lane', '-version'], unique: true },
      byTag: { on: 'tags', multiEntry: true },
      byPad: { on: 'pad' },
    },
    vectors: { near: { on: 'vector', dimensions: 3, metric: 'l2' } },
  },
  accounts: { keyPath: 'id', indexes: { byBalance: { on: '-balance' } } },
  transfers: { keyPath: 'number', indexes: { byAmount: { on: ['amount', 'from'] } } },
  large: { keyPath: 'id', compression: 'lz4', indexes: { bySize: { on: 'size' } } },
  numbered: { autoIncrement: true, indexes: { bySerial: { on: 'serial', unique: true } } },
} as const

/** A store that is filled, cleared, dropped and made again. */
export const SCRATCH = 'scratch'
export const SCRATCH_DEFINITION = {
  keyPath: 'id',
  indexes: { byGeneration: { on: 'generation' } },
  vectors: { near: { on: 'vector', dimensions: 3, metric: 'l2' } },
}

/** Indexes on `plain` that come and go. */
export const PASSING_INDEXES = {
  passing: { on: 'version', options: {} },
  passingTags: { on: 'tags', options: { multiEntry: true, sparse: true } },
  passingBoth: { on: ['-pad', 'lane'], options: {} },
} as const

/** Vector indexes that do. */
export const PASSING_VECTORS = {
  passingNear: { on: 'vector', options: { dimensions: 3, metric: 'l2' } },
} as const

/** The names of all that do. */
export const PASSING = [...Object.keys(PASSING_INDEXES), ...Object.keys(PASSING_VECTORS)]

export const ACCOUNTS = 10
export const FIRST_BALANCE = 1_000

/** A document of `plain`. */
export function plainDocument(lane: string, place: number, version: number): any {
  const tags = ['even', 'odd', 'third', version].filter((_, i) => (version >> i) % 2 === 0)
  const vector = vectorsOf(version)
  return { id: `${lane}:${place}`, lane, version, tags, vector, pad: 'p'.repeat(version % 97) }
}

/** The vectors of a document: none, one, or several. */
export function vectorsOf(version: number): unknown {
  const vector = Float32Array.of(version % 50, version % 7, -(version % 3))
  return [vector, null, [vector, [0, 0, version % 11]], vector][version % 4]
}

/** The bytes of a document of `large`. */
export function largeBody(version: number, size: number): Buffer {
  const body = Buffer.alloc(size, `version ${version} `)
  if (size >= 4) body.writeUInt32LE(version >>> 0, size - 4)
  return body
}
