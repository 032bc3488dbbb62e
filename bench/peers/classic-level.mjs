import { ClassicLevel } from 'classic-level'

/** Numbers as digits of one length, so that their order as text is their order as numbers. */
const digits = (number) => String(number).padStart(10, '0')
/** Follows every digit and every space. */
const BEHIND = '~'
/** As much as the other peers may keep; LevelDB's own defaults are 8 and 4 MiB. */
const SIZES = { cacheSize: 64 << 20, writeBufferSize: 16 << 20 }

/** classic-level with JSON values; its indexes are key ranges kept by hand. */
class Level {
  static async open(path, { durability }) {
    const db = new ClassicLevel(path, { ...SIZES, keyEncoding: 'utf8', valueEncoding: 'json' })
    await db.open()
    return new Level(db, durability === 'strict')
  }

  constructor(db, sync) {
    this.db = db
    this.options = { sync }
  }

  entriesOf({ id, city, score }) {
    return [`d${digits(id)}`, `c${city} ${digits(id)}`, `s${digits(score)} ${digits(id)}`]
  }

  writes(document) {
    const [key, ...entries] = this.entriesOf(document)
    return [
      { type: 'put', key, value: document },
      ...entries.map((entry) => ({ type: 'put', key: entry, value: document.id })),
    ]
  }

  insertMany(documents) {
    return this.db.batch(
      documents.flatMap((document) => this.writes(document)),
      this.options,
    )
  }

  put(document) {
    return this.db.batch(this.writes(document), this.options)
  }

  async update(id) {
    const key = `d${digits(id)}`
    const document = await this.db.get(key)
    document.age++
    await this.db.put(key, document, this.options)
  }

  getSync(id) {
    return this.db.getSync(`d${digits(id)}`)
  }

  get(id) {
    return this.db.get(`d${digits(id)}`)
  }

  getMany(ids) {
    return this.db.getMany(ids.map((id) => `d${digits(id)}`))
  }

  page(from, limit) {
    return this.db.values({ gte: `d${digits(from)}`, lt: `d${BEHIND}`, limit }).all()
  }

  async findByCity(city) {
    const prefix = `c${city} `
    return this.getMany(await this.db.values({ gt: prefix, lt: prefix + BEHIND }).all())
  }

  async findFromScore(least, limit) {
    const range = { gte: `s${digits(least)}`, lt: `s${BEHIND}`, limit }
    return this.getMany(await this.db.values(range).all())
  }

  async filterByAge(age) {
    const found = []
    await this.forEach((document) => {
      if (document.age === age) found.push(document)
    })
    return found
  }

  async forEach(visit) {
    const documents = this.db.values({ gt: 'd', lt: `d${BEHIND}` })
    for (;;) {
      const chunk = await documents.nextv(1000)
      if (chunk.length === 0) break
      for (const document of chunk) visit(document)
    }
    await documents.close()
  }

  readAll() {
    return this.db.values({ gt: 'd', lt: `d${BEHIND}` }).all()
  }

  async countOf(range) {
    const keys = this.db.keys(range)
    let count = 0
    for (;;) {
      const chunk = await keys.nextv(1000)
      if (chunk.length === 0) break
      count += chunk.length
    }
    await keys.close()
    return count
  }

  count() {
    return this.countOf({ gt: 'd', lt: `d${BEHIND}` })
  }

  countByCity(city) {
    const prefix = `c${city} `
    return this.countOf({ gt: prefix, lt: prefix + BEHIND })
  }

  async deleteMany(ids) {
    const documents = await this.getMany(ids)
    const keys = documents.flatMap((document) => this.entriesOf(document))
    await this.db.batch(
      keys.map((key) => ({ type: 'del', key })),
      this.options,
    )
  }

  close() {
    return this.db.close()
  }
}

export default {
  name: 'classic-level',
  title: 'classic-level',
  package: 'classic-level',
  durability: {
    default: 'in the page cache (sync: false)',
    strict: 'fsync at each write (sync: true)',
    relaxed: 'in the page cache (sync: false); the log is checked when it is read',
    none: 'in the page cache (sync: false)',
  },
  open: Level.open,
}
