import { join } from 'node:path'
import Loki from 'lokijs'

const INDEXES = { unique: ['id'], indices: ['id', 'city', 'score'], disableMeta: true }

/** lokijs: live objects in memory, saved as one file of JSON when the database is closed. */
class LokiDatabase {
  static async open(path) {
    const db = new Loki(join(path, 'data.json'))
    await new Promise((resolve, reject) => {
      db.loadDatabase({}, (error) => (error ? reject(error) : resolve()))
    })
    return new LokiDatabase(db)
  }

  constructor(db) {
    this.db = db
    this.docs = db.getCollection('docs') ?? db.addCollection('docs', INDEXES)
    this.isChanged = false
  }

  /** A document without what lokijs adds to it. */
  plain({ $loki: _, ...document }) {
    return document
  }

  insertMany(documents) {
    this.isChanged = true
    this.docs.insert(documents)
  }

  put(document) {
    this.insertMany(document)
  }

  update(id) {
    this.isChanged = true
    const document = this.docs.by('id', id)
    document.age++
    this.docs.update(document)
  }

  getSync(id) {
    return this.docs.by('id', id)
  }

  get(id) {
    return this.docs.by('id', id)
  }

  getMany(ids) {
    return ids.map((id) => this.docs.by('id', id))
  }

  page(from, limit) {
    const found = this.docs.chain().find({ id: { $gte: from } })
    return found.simplesort('id').limit(limit).data()
  }

  findByCity(city) {
    return this.docs.find({ city })
  }

  findFromScore(least, limit) {
    const found = this.docs.chain().find({ score: { $gte: least } })
    return found.simplesort('score').limit(limit).data()
  }

  filterByAge(age) {
    return this.docs.find({ age })
  }

  forEach(visit) {
    for (const document of this.docs.data) visit(document)
  }

  readAll() {
    return this.docs.find()
  }

  count() {
    return this.docs.count()
  }

  countByCity(city) {
    return this.docs.count({ city })
  }

  deleteMany(ids) {
    this.isChanged = true
    const wanted = new Set(ids)
    this.docs.removeBatch(
      this.docs
        .chain()
        .find({ id: { $in: [...wanted] } })
        .data(),
    )
  }

  async close() {
    if (this.isChanged) {
      await new Promise((resolve, reject) => {
        this.db.saveDatabase((error) => (error ? reject(error) : resolve()))
      })
    }
  }
}

const MEMORY = 'in memory; a file is written when it is closed'

export default {
  name: 'lokijs',
  title: 'lokijs (live objects)',
  package: 'lokijs',
  durability: { default: MEMORY, none: MEMORY },
  open: LokiDatabase.open,
}
