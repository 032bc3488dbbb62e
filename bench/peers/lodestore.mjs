import { createRequire } from 'node:module'
import { setTimeout } from 'node:timers/promises'
import { KEY } from '../lib/key.mjs'
import { GRAPH } from './vectors.mjs'

const require = createRequire(import.meta.url)
const { open } = require('../../index.js')

const INDEXES = { byCity: { on: 'city' }, byScore: { on: 'score' } }

class Lodestore {
  static async open(path, { durability, compression = false, encrypted = false }) {
    const db = await open(path, {
      ...(encrypted && { encryption: { key: KEY } }),
      stores: {
        docs: { keyPath: 'id', indexes: INDEXES, compression: compression ? 'zstd' : 'none' },
        cities: { keyPath: 'name' },
      },
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

  update(id) {
    return this.docs.update(id, { $inc: { age: 1 } })
  }

  /** Reads inside an ambient transaction, which ends. */
  runTransaction(id) {
    return this.db.transaction(() => this.docs.get(id))
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

  page(from, limit) {
    return this.docs.getAll({ gte: from, limit })
  }

  findByCity(city) {
    return this.byCity.getAll(city)
  }

  findFromScore(least, limit) {
    return this.byScore.getAll({ gte: least, limit })
  }

  queryByCity(city) {
    return this.docs.find({ city }).toArray()
  }

  queryFromScore(least, limit) {
    const scores = this.docs.find({ score: { $gte: least } })
    return scores.sort('score').limit(limit).toArray()
  }

  filterByAge(age) {
    return this.docs.find({ age }).toArray()
  }

  async groupByCity() {
    const groups = await this.docs
      .aggregate([{ $group: { _id: '$city', count: { $count: {} }, sum: { $sum: '$score' } } }])
      .toArray()
    return groups.map(({ _id: city, count, sum }) => ({ city, count, sum }))
  }

  insertCities(cities) {
    return this.db.store('cities').putMany(cities)
  }

  joinCities(below) {
    return this.docs
      .aggregate([
        { $match: { id: { $lt: below } } },
        { $lookup: { from: 'cities', localField: 'city', foreignField: 'name', as: 'at' } },
        { $unwind: '$at' },
        { $project: { id: 1, score: 1, country: '$at.country' } },
      ])
      .toArray()
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

/** How long to wait before it is asked again whether graphs know all vectors, in milliseconds. */
const BETWEEN_LOOKS = 20

class Vectors {
  width = undefined

  static async open(path, { dimensions, precision }) {
    const near = { on: 'vector', dimensions, precision, ...GRAPH }
    const db = await open(path, {
      stores: { docs: { keyPath: 'id', indexes: { byShare: { on: 'share' } }, vectors: { near } } },
      durability: 'strict',
    })
    return new Vectors(db, dimensions)
  }

  constructor(db, dimensions) {
    this.db = db
    this.docs = db.store('docs')
    this.dimensions = dimensions
  }

  add(documents) {
    return this.docs.putMany(documents)
  }

  async ready() {
    const vector = new Float32Array(this.dimensions).fill(1)
    for (;;) {
      const { nearest } = await this.docs.nearest('near', vector).explain()
      if (nearest.notInGraph === 0) return
      await setTimeout(BETWEEN_LOOKS)
    }
  }

  setWidth(width) {
    this.width = width
  }

  search(query, k) {
    return this.docs.find({ $vector: this.#nearest(query, k) }).keys()
  }

  searchBelow(query, k, below) {
    const filter = { $vector: this.#nearest(query, k), share: { $lt: below } }
    return this.docs.find(filter).keys()
  }

  #nearest(query, k) {
    return { index: 'near', query, k, efSearch: this.width }
  }

  close() {
    return this.db.close()
  }
}

export default {
  name: 'lodestore',
  title: 'Lodestore',
  package: null,
  canCompress: true,
  durability: {
    default: 'fsync at each commit',
    strict: 'fsync at each commit',
    relaxed: 'in the page cache, synced within 0.1 s, 64 commits or 1 MiB',
    none: 'in the page cache',
  },
  open: Lodestore.open,
  precisions: ['f32', 'bf16'],
  openVectors: Vectors.open,
  async openScope(path) {
    const scope = require('../../lib/indexeddb/index.js')
    scope.configure({ path })
    return scope
  },
}
