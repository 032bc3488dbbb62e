import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3-multiple-ciphers'
import { KEY } from '../lib/key.mjs'
import { COLUMN_TABLE, JSON_TABLE, Sqlite, SQLITE_DURABILITY } from './sqlite-tables.mjs'

function peer(name, title, table) {
  return {
    name,
    title,
    package: 'better-sqlite3-multiple-ciphers',
    durability: SQLITE_DURABILITY,
    async open(path, { durability }) {
      mkdirSync(path, { recursive: true })
      const db = new Database(join(path, 'data.db'))
      // The key itself, so that none is derived from a passphrase; ChaCha20-Poly1305, its default.
      db.pragma(`key = 'raw:${KEY.toString('hex')}'`)
      return new Sqlite(db, (sql) => db.prepare(sql).raw(true), table, durability)
    },
  }
}

export const json = peer('multiple-ciphers-json', 'SQLite3MultipleCiphers (JSON)', JSON_TABLE)
export const columns = peer(
  'multiple-ciphers-columns',
  'SQLite3MultipleCiphers (columns)',
  COLUMN_TABLE,
)
