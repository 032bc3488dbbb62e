import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { JSON_TABLE, Sqlite, SQLITE_DURABILITY } from './sqlite-tables.mjs'

export default {
  name: 'node-sqlite',
  title: 'node:sqlite (JSON)',
  package: null,
  durability: SQLITE_DURABILITY,
  async open(path, { durability }) {
    mkdirSync(path, { recursive: true })
    const db = new DatabaseSync(join(path, 'data.db'))
    const prepareRows = (sql) => {
      const statement = db.prepare(sql)
      statement.setReturnArrays(true)
      return statement
    }
    return new Sqlite(db, prepareRows, JSON_TABLE, durability)
  },
}
