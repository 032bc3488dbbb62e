/** Reads: what the model expects, and what the database gives. */

import { compareKeys, type Key } from './keys'
import type { DatabaseModel } from './database'
import type { CursorRun, Read } from './operations'
import { argumentOf } from './queries'
import { Refusal, type Row, type StoreModel } from './store'

/** What a read of the model gives. @throws {Refusal} */
export function expectedOf(model: DatabaseModel, read: Exclude<Read, CursorRun>): unknown {
  const store = model.store(read.store)
  switch (read.do) {
    case 'get':
    case 'getSync':
      return store.get(read.key)
    case 'has':
      return store.get(read.key) !== undefined
    case 'getMany':
      return read.keys.map((key) => store.get(key))
    case 'first':
      return store.select(read.index, read.query)[0]?.value
    case 'getKey':
      return store.select(read.index, read.query)[0]?.primaryKey
    case 'count':
      return store.select(read.index, read.query).length
    case 'definition':
      return definitionOf(store)
    default: {
      const rows = store.select(read.index, read.query, read.options)
      if (read.do === 'entries') return rows
      const property = read.do === 'getAll' || read.do === 'range' ? 'value' : 'primaryKey'
      return rows.map((row) => row[property])
    }
  }
}

function definitionOf({ options, indexes }: StoreModel): unknown {
  return {
    keyPath: options.keyPath ?? null,
    autoIncrement: options.autoIncrement ?? false,
    indexes: [...indexes.keys()].toSorted().map((name) => {
      const { on, options: flags } = indexes.get(name)!
      const { unique = false, multiEntry = false, sparse = false } = flags
      return { name, on, unique, multiEntry, sparse, state: 'ready' }
    }),
  }
}

/** What a read of the database gives. `scope` is a database, transaction or snapshot. */
export async function actualOf(scope: any, read: Exclude<Read, CursorRun>): Promise<unknown> {
  const store = scope.store(read.store)
  switch (read.do) {
    case 'get':
      return store.get(read.key)
    case 'getSync':
      return store.getSync(read.key)
    case 'has':
      return store.has(read.key)
    case 'getMany':
      return store.getMany(read.keys)
    case 'first':
      return store.index(read.index).get(argumentOf(read.query))
    case 'definition': {
      const { keyPath, autoIncrement, indexNames } = store
      const indexes = indexNames.map((name: string) => {
        const { on, unique, multiEntry, sparse, state } = store.index(name)
        return { name, on, unique, multiEntry, sparse, state }
      })
      return { keyPath, autoIncrement, indexes }
    }
  }
  const target = read.index === undefined ? store : store.index(read.index)
  const query = argumentOf(read.query)
  if (!('options' in read)) return target[read.do](query)
  const { options, together } = read
  const rows = together
    ? target[read.do]({ ...query, ...options })
    : target[read.do](query, options)
  if (read.do === 'keys') return rows.toArray()
  if (read.do === 'getAll' || read.do === 'getAllKeys') return rows
  const all: unknown[] = []
  for await (const row of rows) all.push(row)
  return all
}

/** Where a cursor of the model stands. Inside a transaction it sees what is written meanwhile. */
export class CursorModel {
  row: Row | undefined
  private readonly rowsNow: () => Row[]
  private readonly sign: number
  private readonly unique: boolean

  constructor(
    private readonly model: DatabaseModel,
    private readonly run: CursorRun,
    isLive: boolean,
  ) {
    const { index, query, direction } = run
    const reverse = direction.startsWith('prev')
    this.sign = reverse ? -1 : 1
    this.unique = direction.endsWith('unique')
    const options = { reverse, unique: this.unique }
    const rowsNow = (): Row[] => this.store.select(index, query, options)
    const first = rowsNow()
    this.rowsNow = isLive ? rowsNow : () => first
  }

  private get store(): StoreModel {
    return this.model.store(this.run.store)
  }

  private compare(row: Row, key: Key, primaryKey: Key | undefined): number {
    const { index } = this.run
    if (index === undefined) return this.sign * compareKeys(row.key, key)
    return this.sign * this.store.index(index).compareToPoint(row, key, primaryKey)
  }

  private ended = false

  next(): boolean {
    const { row } = this
    if (this.ended) return false
    const after =
      row === undefined
        ? () => true
        : (other: Row) => this.compare(other, row.key, this.unique ? undefined : row.primaryKey) > 0
    return this.stand(this.rowsNow().find(after))
  }

  /** @throws {Refusal} INVALID_KEY, INVALID_ARGUMENT */
  seek(key: Key, primaryKey: Key | undefined): boolean {
    if (this.run.index !== undefined) this.store.index(this.run.index).checkPoint(key, primaryKey)
    return this.stand(this.rowsNow().find((row) => this.compare(row, key, primaryKey) >= 0))
  }

  private stand(row: Row | undefined): boolean {
    this.row = row
    this.ended = row === undefined
    return !this.ended
  }

  /** @throws {Refusal} NOT_FOUND */
  current(): Row {
    if (this.row === undefined) throw new Refusal('NOT_FOUND')
    return this.row
  }
}

/** A document that carries a primary key where the store wants it. */
export function carrying(value: any, keyPath: string | string[] | undefined, key: any): any {
  if (keyPath === undefined) return value
  if (Array.isArray(keyPath)) return { ...value, [keyPath[0]!]: key[0], [keyPath[1]!]: key[1] }
  return keyPath === 'meta.id' ? { ...value, meta: { id: key } } : { ...value, [keyPath]: key }
}
