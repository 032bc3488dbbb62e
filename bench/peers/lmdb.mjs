import { open } from 'lmdb'

const STRUCTURES = Symbol.for('structures')
/** The entry under which the shared structures lie among the documents. */
const OTHER_ENTRIES = 1
const INDEX = { dupSort: true, encoding: 'ordered-binary' }

/** Options of an environment by durability. */
const OPTIONS = { strict: { overlappingSync: false }, none: { noSync: true } }

/**
 * lmdb with shared structures; its indexes are kept by hand in trees with sorted duplicates. A
 * caller who waits for each write uses `transactionSync`, which is faster than two changes of
 * threads; callers that write at once share batches.
 */
class Lmdb {
  static async open(path, { durability, compression = false }) {
    return new Lmdb(open({ path, maxDbs: 4, ...OPTIONS[durability], compression }), compression)
  }

  constructor(root, compression) {
    this.root = root
    this.docs = root.openDB({ name: 'docs', sharedStructuresKey: STRUCTURES, compression })
    this.byCity = root.openDB({ name: 'byCity', ...INDEX })
    this.byScore = root.openDB({ name: 'byScore', ...INDEX })
  }

  /** Queues what a document needs. The documents of the benchmark are new, or do not change. */
  write(document) {
    this.byCity.put(document.city, document.id)
    this.byScore.put(document.score, document.id)
    return this.docs.put(document.id, document)
  }

  async insertMany(documents) {
    let written
    for (const document of documents) written = this.write(document)
    await written
  }

  put(document) {
    return this.root.batch(() => {
      this.write(document)
    })
  }

  putAlone(document) {
    this.root.transactionSync(() => {
      this.byCity.putSync(document.city, document.id)
      this.byScore.putSync(document.score, document.id)
      this.docs.putSync(document.id, document)
    })
  }

  increment(id) {
    const document = this.docs.get(id)
    document.age++
    this.docs.put(id, document)
  }

  update(id) {
    return this.root.transaction(() => this.increment(id))
  }

  updateAlone(id) {
    this.root.transactionSync(() => this.increment(id))
  }

  getSync(id) {
    return this.docs.get(id)
  }

  get(id) {
    return this.docs.get(id)
  }

  getMany(ids) {
    return ids.map((id) => this.docs.get(id))
  }

  page(from, limit) {
    return Array.from(this.docs.getRange({ start: from, limit }), ({ value }) => value)
  }

  findByCity(city) {
    return Array.from(this.byCity.getValues(city), (id) => this.docs.get(id))
  }

  findFromScore(least, limit) {
    const found = []
    for (const { value } of this.byScore.getRange({ start: least, limit })) {
      found.push(this.docs.get(value))
    }
    return found
  }

  filterByAge(age) {
    const found = []
    for (const { value } of this.docs.getRange({ start: 0 })) {
      if (value.age === age) found.push(value)
    }
    return found
  }

  async insertCities(cities) {
    this.cities = this.root.openDB({ name: 'cities', sharedStructuresKey: STRUCTURES })
    await this.root.batch(() => {
      for (const city of cities) this.cities.put(city.name, city)
    })
  }

  joinCities(below) {
    const rows = []
    for (const { value } of this.docs.getRange({ start: 0, end: below })) {
      const { id, score, city } = value
      rows.push({ id, score, country: this.cities.get(city).country })
    }
    return rows
  }

  forEach(visit) {
    for (const { value } of this.docs.getRange({ start: 0 })) visit(value)
  }

  readAll() {
    return Array.from(this.docs.getRange({ start: 0 }), ({ value }) => value)
  }

  count() {
    return this.docs.getStats().entryCount - OTHER_ENTRIES
  }

  countByCity(city) {
    return this.byCity.getValuesCount(city)
  }

  deleteMany(ids) {
    this.root.transactionSync(() => {
      for (const id of ids) {
        const { city, score } = this.docs.get(id)
        this.byCity.removeSync(city, id)
        this.byScore.removeSync(score, id)
        this.docs.removeSync(id)
      }
    })
  }

  async close() {
    await this.root.flushed
    await this.root.close()
  }
}

const OVERLAPPING = 'commits first, fsyncs behind it (overlappingSync)'

export default {
  name: 'lmdb',
  title: 'lmdb',
  package: 'lmdb',
  canCompress: true,
  durability: {
    default: OVERLAPPING,
    strict: 'fsync before each commit is acknowledged (no overlappingSync)',
    relaxed: OVERLAPPING,
    none: 'in the page cache (noSync)',
  },
  open: Lmdb.open,
}
