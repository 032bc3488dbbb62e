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
    return new Sqlite(new DatabaseSync(join(path, 'data.db')), JSON_TABLE, durability)
  },
}
