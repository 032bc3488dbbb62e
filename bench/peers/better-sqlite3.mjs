import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { COLUMN_TABLE, JSON_TABLE, Sqlite, SQLITE_DURABILITY } from './sqlite-tables.mjs'

function peer(name, title, table) {
  return {
    name,
    title,
    package: 'better-sqlite3',
    durability: SQLITE_DURABILITY,
    async open(path, { durability }) {
      mkdirSync(path, { recursive: true })
      const db = new Database(join(path, 'data.db'))
      return new Sqlite(db, (sql) => db.prepare(sql).raw(true), table, durability)
    },
  }
}

export const json = peer('better-sqlite3-json', 'better-sqlite3 (JSON)', JSON_TABLE)
export const columns = peer('better-sqlite3-columns', 'better-sqlite3 (columns)', COLUMN_TABLE)
