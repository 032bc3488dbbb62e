import { join } from 'node:path'
import Datastore from '@seald-io/nedb'

/** nedb: all documents in memory, changes appended to a file of JSON lines. */
class Nedb {
  static async open(path) {
    const db = new Datastore({ filename: join(path, 'data.jsonl') })
    await db.loadDatabaseAsync()
    await db.ensureIndexAsync({ fieldName: 'id', unique: true })
    await db.ensureIndexAsync({ fieldName: 'city' })
    await db.ensureIndexAsync({ fieldName: 'score' })
    return new Nedb(db)
  }

  constructor(db) {
    this.db = db
  }

  /** A document without the id that nedb adds to it. */
  plain({ _id: _, ...document }) {
    return document
  }

  insertMany(documents) {
    return this.db.insertAsync(documents)
  }

  put(document) {
    return this.db.updateAsync({ id: document.id }, document, { upsert: true })
  }

  update(id) {
    return this.db.updateAsync({ id }, { $inc: { age: 1 } })
  }

  get(id) {
    return this.db.findOneAsync({ id })
  }

  async getMany(ids) {
    const found = await this.db.findAsync({ id: { $in: ids } })
    const byId = new Map(found.map((document) => [document.id, document]))
    return ids.map((id) => byId.get(id))
  }

  page(from, limit) {
    const found = this.db.findAsync({ id: { $gte: from } })
    return found.sort({ id: 1 }).limit(limit)
  }

  findByCity(city) {
    return this.db.findAsync({ city })
  }

  findFromScore(least, limit) {
    const found = this.db.findAsync({ score: { $gte: least } })
    return found.sort({ score: 1 }).limit(limit)
  }

  filterByAge(age) {
    return this.db.findAsync({ age })
  }

  readAll() {
    return this.db.findAsync({})
  }

  async forEach(visit) {
    for (const document of await this.readAll()) visit(document)
  }

  count() {
    return this.db.countAsync({})
  }

  countByCity(city) {
    return this.db.countAsync({ city })
  }

  deleteMany(ids) {
    return this.db.removeAsync({ id: { $in: ids } }, { multi: true })
  }

  async close() {}
}

export default {
  name: 'nedb',
  title: '@seald-io/nedb (memory)',
  package: '@seald-io/nedb',
  durability: { default: 'in the page cache', none: 'in the page cache' },
  open: Nedb.open,
}
