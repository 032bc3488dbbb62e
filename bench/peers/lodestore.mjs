import { createRequire } from 'node:module'

const { open } = createRequire(import.meta.url)('../../index.js')

const STORES = {
  docs: { keyPath: 'id', indexes: { byCity: { on: 'city' }, byScore: { on: 'score' } } },
}

class Lodestore {
  static async open(path, { durability }) {
    const db = await open(path, {
      stores: STORES,
      durability: durability === 'default' ? 'strict' : durability,
    })
    return new Lodestore(db)
  }

  constructor(db) {
    this.db = db
    this.docs = db.store('docs')
    this.byCity = this.docs.index('byCity')
    this.byScore = this.docs.index('byScore')
  }

  insertMany(documents) {
    return this.docs.putMany(documents)
  }

  put(document) {
    return this.docs.put(document)
  }

  getSync(id) {
    return this.docs.getSync(id)
  }

  get(id) {
    return this.docs.get(id)
  }

  getMany(ids) {
    return this.docs.getMany(ids)
  }

  findByCity(city) {
    return this.byCity.getAll(city)
  }

  findFromScore(least, limit) {
    return this.byScore.getAll({ gte: least, limit })
  }

  async filterByAge(age) {
    const found = []
    for await (const document of this.docs.range()) if (document.age === age) found.push(document)
    return found
  }

  async forEach(visit) {
    for await (const document of this.docs.range()) visit(document)
  }

  readAll() {
    return this.docs.getAll()
  }

  count() {
    return this.docs.count()
  }

  countByCity(city) {
    return this.byCity.count(city)
  }

  deleteMany(ids) {
    return this.docs.deleteMany(ids)
  }

  close() {
    return this.db.close()
  }
}

export default {
  name: 'lodestore',
  title: 'Lodestore',
  package: null,
  durability: {
    default: 'fsync at each commit',
    strict: 'fsync at each commit',
    relaxed: 'data pages synced at each commit, its meta page later',
    none: 'in the page cache',
  },
  open: Lodestore.open,
}
