/** Indexes of vectors behind one interface, `VectorIndex` of the contract. */

import { join } from 'node:path'

/** What all graphs are built with. */
export const GRAPH = { m: 16, efConstruction: 128 }
/** What graphs look at before they are told a number. */
const WIDTH = 64
/** LanceDB compares so many times what is asked for again, as it was. */
const REFINED = 3

/** usearch, which keeps its width for good: an index of another width is loaded from a file. */
class Usearch {
  static async open(path, options) {
    const { Index } = await import('usearch')
    return new Usearch(Index, join(path, 'index.usearch'), options)
  }

  constructor(Index, file, { dimensions, precision }) {
    this.make = (width) =>
      new Index({
        metric: 'cos',
        dimensions,
        quantization: precision,
        connectivity: GRAPH.m,
        expansion_add: GRAPH.efConstruction,
        expansion_search: width,
      })
    this.index = this.make(WIDTH)
    this.file = file
  }

  add(documents) {
    const ids = BigUint64Array.from(documents, ({ id }) => BigInt(id))
    this.index.add(
      ids,
      documents.map(({ vector }) => vector),
    )
  }

  ready() {
    this.index.save(this.file)
  }

  setWidth(width) {
    this.index = this.make(width)
    this.index.load(this.file)
  }

  search(vector, k) {
    return Array.from(this.index.search(vector, k, 1).keys, Number)
  }

  close() {}
}

/** hnswlib-node, which filters by a function of the id. */
class Hnswlib {
  shares = []

  static async open(path, { dimensions }) {
    const { default: hnswlib } = await import('hnswlib-node')
    const index = new hnswlib.HierarchicalNSW('cosine', dimensions)
    index.initIndex({ maxElements: 1024, ...GRAPH, randomSeed: 1 })
    index.setEf(WIDTH)
    return new Hnswlib(index, join(path, 'index.hnsw'))
  }

  constructor(index, file) {
    this.index = index
    this.file = file
  }

  add(documents) {
    const needed = this.index.getCurrentCount() + documents.length
    if (needed > this.index.getMaxElements()) this.index.resizeIndex(2 * needed)
    for (const { id, share, vector } of documents) {
      this.shares[id] = share
      this.index.addPoint(Array.from(vector), id)
    }
  }

  ready() {
    this.index.writeIndexSync(this.file)
  }

  setWidth(width) {
    this.index.setEf(width)
  }

  search(vector, k) {
    return this.index.searchKnn(Array.from(vector), k).neighbors
  }

  searchBelow(vector, k, below) {
    const passes = (id) => this.shares[id] < below
    return this.index.searchKnn(Array.from(vector), k, passes).neighbors
  }

  close() {}
}

/** sqlite-vec, which compares with all vectors, over better-sqlite3. */
class SqliteVec {
  static async open(path, { dimensions }) {
    const [{ default: Sqlite }, { load }] = await Promise.all([
      import('better-sqlite3'),
      import('sqlite-vec'),
    ])
    const db = new Sqlite(join(path, 'vectors.db'))
    load(db)
    db.pragma('journal_mode = wal')
    db.exec(
      `create virtual table docs using vec0(id integer primary key, share integer,
        vector float[${dimensions}] distance_metric=cosine)`,
    )
    return new SqliteVec(db)
  }

  constructor(db) {
    this.db = db
    const insert = db.prepare('insert into docs (id, share, vector) values (?, ?, ?)')
    this.add = db.transaction((documents) => {
      // Numbers would be bound as REAL.
      for (const { id, share, vector } of documents) insert.run(BigInt(id), BigInt(share), vector)
    })
    const nearest = 'select id from docs where vector match ? and k = ?'
    this.nearest = db.prepare(nearest).pluck()
    this.nearestBelow = db.prepare(`${nearest} and share < ?`).pluck()
  }

  ready() {
    this.db.pragma('wal_checkpoint(truncate)')
  }

  search(vector, k) {
    return this.nearest.all(vector, k)
  }

  searchBelow(vector, k, below) {
    return this.nearestBelow.all(vector, k, BigInt(below))
  }

  close() {
    this.db.close()
  }
}

/** LanceDB with a graph of quantized vectors, which it compares again as they were. */
class Lance {
  width = WIDTH

  static async open(path) {
    const lancedb = await import('@lancedb/lancedb')
    return new Lance(lancedb, await lancedb.connect(path))
  }

  constructor(lancedb, db) {
    this.lancedb = lancedb
    this.db = db
  }

  async add(documents) {
    const rows = documents.map(({ vector, ...rest }) => ({ ...rest, vector: Array.from(vector) }))
    if (this.table === undefined) this.table = await this.db.createTable('docs', rows)
    else await this.table.add(rows)
  }

  async ready() {
    await this.table.createIndex('vector', {
      config: this.lancedb.Index.hnswSq({
        distanceType: 'cosine',
        numPartitions: 1,
        m: GRAPH.m,
        efConstruction: GRAPH.efConstruction,
      }),
    })
    await this.table.createIndex('share')
    await this.table.optimize()
  }

  setWidth(width) {
    this.width = width
  }

  #query(vector, k) {
    const query = this.table.query().nearestTo(vector).distanceType('cosine').limit(k)
    // It looks at no fewer than it compares again.
    const width = Math.max(this.width, k * REFINED)
    return query.ef(width).refineFactor(REFINED).select(['id', '_distance'])
  }

  async search(vector, k) {
    return (await this.#query(vector, k).toArray()).map(({ id }) => Number(id))
  }

  async searchBelow(vector, k, below) {
    const found = await this.#query(vector, k).where(`share < ${below}`).toArray()
    return found.map(({ id }) => Number(id))
  }

  close() {
    this.db.close()
  }
}

const IN_MEMORY = { default: 'in memory; a file is written when it is told to' }

export const usearch = {
  name: 'usearch',
  title: 'usearch (memory)',
  package: 'usearch',
  durability: IN_MEMORY,
  precisions: ['f32', 'bf16'],
  openVectors: Usearch.open,
}

export const hnswlib = {
  name: 'hnswlib-node',
  title: 'hnswlib-node (memory)',
  package: 'hnswlib-node',
  durability: IN_MEMORY,
  precisions: ['f32'],
  openVectors: Hnswlib.open,
}

export const sqliteVec = {
  name: 'sqlite-vec',
  title: 'sqlite-vec',
  package: 'sqlite-vec',
  durability: { default: 'WAL, synchronous = normal: fsync at checkpoints only' },
  precisions: ['f32'],
  openVectors: SqliteVec.open,
}

export const lance = {
  name: 'lancedb',
  title: 'LanceDB',
  package: '@lancedb/lancedb',
  durability: { default: 'in files of their own, not synced' },
  precisions: ['f32'],
  openVectors: Lance.open,
}
