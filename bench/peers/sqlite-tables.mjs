/** How a document lies in a table; shared by the SQLite peers. */

const FIELDS = [
  'id',
  'name',
  'email',
  'city',
  'age',
  'score',
  'balance',
  'rating',
  'active',
  'address',
  'tags',
  'created',
]

/** The whole document as text, the indexes on expressions. */
export const JSON_TABLE = {
  schema: [
    'create table if not exists docs (id integer primary key, doc text not null)',
    "create index if not exists byCity on docs (doc ->> '$.city')",
    "create index if not exists byScore on docs (doc ->> '$.score')",
  ],
  insert: 'insert or replace into docs (id, doc) values (?, ?)',
  selected: 'doc',
  field: (name) => `doc ->> '$.${name}'`,
  toRow: (document) => [document.id, JSON.stringify(document)],
  fromRow: ([doc]) => JSON.parse(doc),
  increment: "update docs set doc = json_set(doc, '$.age', doc ->> '$.age' + 1) where id = ?",
}

/** One typed column a field; what is nested is JSON text. */
export const COLUMN_TABLE = {
  schema: [
    `create table if not exists docs (id integer primary key, name text, email text, city text,
      age integer, score integer, balance real, rating real, active integer, address text,
      tags text, created text)`,
    'create index if not exists byCity on docs (city)',
    'create index if not exists byScore on docs (score)',
  ],
  insert: `insert or replace into docs (${FIELDS}) values (${FIELDS.map(() => '?')})`,
  selected: FIELDS.join(', '),
  field: (name) => name,
  toRow: (document) => [
    document.id,
    document.name,
    document.email,
    document.city,
    document.age,
    document.score,
    document.balance,
    document.rating,
    document.active ? 1 : 0,
    JSON.stringify(document.address),
    JSON.stringify(document.tags),
    document.created,
  ],
  fromRow: (row) => ({
    id: row[0],
    name: row[1],
    email: row[2],
    city: row[3],
    age: row[4],
    score: row[5],
    balance: row[6],
    rating: row[7],
    active: row[8] === 1,
    address: JSON.parse(row[9]),
    tags: JSON.parse(row[10]),
    created: row[11],
  }),
  increment: 'update docs set age = age + 1 where id = ?',
}

/** Synchronous levels by durability; WAL in every case. */
const SYNCHRONOUS = { default: 'normal', strict: 'full', relaxed: 'normal', none: 'off' }
/** Bytes that are mapped, so that reads copy nothing, and KiB of pages that are cached. */
const MAPPED = 2 ** 31 - 2 ** 16
const CACHED = 64 * 1024

/** A database behind prepared statements, as better-sqlite3 and node:sqlite both offer them. */
export class Sqlite {
  /**
   * @param {object} db has `exec`, `prepare` and `close`
   * @param {(sql: string) => object} prepareRows prepares a statement that answers with rows as
   *   arrays, which both modules make faster than objects
   * @param {object} table
   * @param {string} durability
   */
  constructor(db, prepareRows, table, durability) {
    this.db = db
    this.table = table
    this.prepareRows = prepareRows
    db.exec('pragma journal_mode = wal')
    db.exec(`pragma synchronous = ${SYNCHRONOUS[durability]}`)
    db.exec(`pragma mmap_size = ${MAPPED}`)
    db.exec(`pragma cache_size = -${CACHED}`)
    for (const statement of table.schema) db.exec(statement)
    const { insert, selected, field } = table
    const select = (rest) => prepareRows(`select ${selected} from docs ${rest}`)
    this.begin = db.prepare('begin immediate')
    this.commit = db.prepare('commit')
    this.insert = db.prepare(insert)
    this.increment = db.prepare(table.increment)
    this.byId = select('where id = ?')
    this.byIds = select('where id in (select value from json_each(?))')
    this.fromId = select('where id >= ? order by id limit ?')
    this.byCity = select(`where ${field('city')} = ?`)
    this.fromScore = select(`where ${field('score')} >= ? order by ${field('score')} limit ?`)
    this.byAge = select(`where ${field('age')} = ?`)
    this.everything = select('')
    this.groupedByCity = db.prepare(
      `select ${field('city')} as city, count(*) as count, sum(${field('score')}) as sum ` +
        `from docs group by ${field('city')}`,
    )
    this.counted = db.prepare('select count(*) as n from docs')
    this.countedByCity = db.prepare(`select count(*) as n from docs where ${field('city')} = ?`)
    this.removal = db.prepare('delete from docs where id = ?')
  }

  insertMany(documents) {
    this.begin.run()
    for (const document of documents) this.insert.run(...this.table.toRow(document))
    this.commit.run()
  }

  put(document) {
    this.insert.run(...this.table.toRow(document))
  }

  update(id) {
    this.increment.run(id)
  }

  getSync(id) {
    return this.table.fromRow(this.byId.get(id))
  }

  get(id) {
    return this.table.fromRow(this.byId.get(id))
  }

  getMany(ids) {
    const byId = new Map()
    for (const row of this.byIds.all(JSON.stringify(ids))) {
      const document = this.table.fromRow(row)
      byId.set(document.id, document)
    }
    return ids.map((id) => byId.get(id))
  }

  page(from, limit) {
    return this.fromId.all(from, limit).map(this.table.fromRow)
  }

  findByCity(city) {
    return this.byCity.all(city).map(this.table.fromRow)
  }

  findFromScore(least, limit) {
    return this.fromScore.all(least, limit).map(this.table.fromRow)
  }

  filterByAge(age) {
    return this.byAge.all(age).map(this.table.fromRow)
  }

  groupByCity() {
    return this.groupedByCity.all()
  }

  insertCities(cities) {
    this.db.exec('create table cities (name text primary key, country integer) without rowid')
    const insert = this.db.prepare('insert into cities (name, country) values (?, ?)')
    this.begin.run()
    for (const { name, country } of cities) insert.run(name, country)
    this.commit.run()
    const { field } = this.table
    this.joined = this.prepareRows(
      `select id, ${field('score')}, country from docs ` +
        `join cities on cities.name = ${field('city')} where id < ?`,
    )
  }

  joinCities(below) {
    return this.joined.all(below).map(([id, score, country]) => ({ id, score, country }))
  }

  forEach(visit) {
    for (const row of this.everything.iterate()) visit(this.table.fromRow(row))
  }

  readAll() {
    return this.everything.all().map(this.table.fromRow)
  }

  count() {
    return this.counted.get().n
  }

  countByCity(city) {
    return this.countedByCity.get(city).n
  }

  deleteMany(ids) {
    this.begin.run()
    for (const id of ids) this.removal.run(id)
    this.commit.run()
  }

  close() {
    this.db.close()
  }
}

export const SQLITE_DURABILITY = {
  default: 'WAL, synchronous = normal: fsync at checkpoints only',
  strict: 'WAL, synchronous = full: fsync at each commit',
  relaxed: 'WAL, synchronous = normal: fsync at checkpoints only',
  none: 'WAL, synchronous = off',
}
