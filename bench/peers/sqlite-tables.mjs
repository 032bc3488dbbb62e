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
  fromRow: (row) => JSON.parse(row.doc),
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
    id: row.id,
    name: row.name,
    email: row.email,
    city: row.city,
    age: row.age,
    score: row.score,
    balance: row.balance,
    rating: row.rating,
    active: row.active === 1,
    address: JSON.parse(row.address),
    tags: JSON.parse(row.tags),
    created: row.created,
  }),
}

/** A database behind prepared statements, as better-sqlite3 and node:sqlite both offer them. */
export class Sqlite {
  /**
   * @param {object} db has `exec`, `prepare` and `close`
   * @param {object} table
   * @param {string} durability
   */
  constructor(db, table, durability) {
    this.db = db
    this.table = table
    db.exec('pragma journal_mode = wal')
    db.exec(`pragma synchronous = ${durability === 'strict' ? 'full' : 'normal'}`)
    for (const statement of table.schema) db.exec(statement)
    const { insert, selected, field } = table
    const select = (rest) => db.prepare(`select ${selected} from docs ${rest}`)
    this.begin = db.prepare('begin immediate')
    this.commit = db.prepare('commit')
    this.insert = db.prepare(insert)
    this.byId = select('where id = ?')
    this.byCity = select(`where ${field('city')} = ?`)
    this.fromScore = select(`where ${field('score')} >= ? order by ${field('score')} limit ?`)
    this.byAge = select(`where ${field('age')} = ?`)
    this.everything = select('')
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

  getSync(id) {
    return this.table.fromRow(this.byId.get(id))
  }

  get(id) {
    return this.table.fromRow(this.byId.get(id))
  }

  getMany(ids) {
    return ids.map((id) => this.table.fromRow(this.byId.get(id)))
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
  none: 'WAL, synchronous = normal: fsync at checkpoints only',
}
