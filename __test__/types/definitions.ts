// Types that the definitions given to open() tell, and those of a database that tells nothing.

import { KeyRange, LodestoreError, compareKeys, open } from '../../index.js'
import type { Database, ErrorCode, Key, Store, Transaction } from '../../index.js'

interface User {
  id: string
  name: string
}

export async function inferredFromDefinitions(): Promise<void> {
  const db = await open('./data', {
    durability: 'relaxed',
    stores: {
      users: { keyPath: 'id', key: 'uuidv7', indexes: { byName: { on: ['name', '-age'] } } },
      logs: { autoIncrement: true },
      plain: {},
    },
  })
  const userKey: string = await db.store('users').put({ name: 'x' })
  const logKey: number = await db.store('logs').put('line')
  const plainKey: Key = await db.store('plain').put('value', ['a', 1])
  const user: User | undefined = await db.store<User>('users').get('x')
  const named = await db.store('users').index('byName').getAll(['x', 3])

  // @ts-expect-error there is no such store
  db.store('nothing')
  // @ts-expect-error there is no such index
  db.store('users').index('byAge')
  // @ts-expect-error the store's keys are strings
  await db.store('users').get(1)
  // @ts-expect-error the store's keys are numbers
  await db.store('logs').get('x')

  void [userKey, logKey, plainKey, user, named]
}

export async function untyped(): Promise<void> {
  const db: Database = await open(':memory:')
  const users: Store<User> = db.store<User>('users')
  const user: User | undefined = await users.get('x')
  const byNumber: Store<User, number> = db.store<User, number>('users')
  const key: number = await byNumber.add({ id: 'a', name: 'b' })
  const anything = await db.store('whatever').get([1, 'a', new Date()])
  const nested: string = anything.field.of.any.type
  const created = await db.createObjectStore<User, string>('more', { keyPath: 'id' })
  const string: string = await created.add({ id: 'x', name: 'y' })
  await db.createIndex('users', 'byName', ['name', '-age'], {
    unique: true,
    signal: new AbortController().signal,
    onProgress: ({ phase, done, total }) => `${phase} ${done / total}`,
  })
  await db.createIndex('users', 'byLogin', 'name', {
    collation: { locale: 'en', strength: 2, caseFirst: 'upper' },
  })
  const strength: 'primary' | 'secondary' | 'tertiary' | 'quaternary' | 'identical' | undefined = db
    .store('users')
    .index('byLogin').collation?.strength
  // @ts-expect-error a collation has a locale
  await db.createIndex('users', 'x', 'x', { collation: { strength: 1 } })
  const tx: Transaction = await db.begin({ timeout: 0, durability: 'strict' })
  await tx.commit()
  db.on('warning', (warning) => warning.code)
  db.on('close', () => {})
  const stats = await db.stats()
  const age: number | null | undefined = stats.oldestReader?.age

  // @ts-expect-error an object is not a key
  await users.get({})
  // @ts-expect-error null is a key of indexes only
  await users.get(null)
  await users.index('byName').get(null)
  // @ts-expect-error there is no such option
  await open('./data', { create: true })
  // @ts-expect-error there is no such durability of transactions
  await db.begin({ durability: 'none' })
  // @ts-expect-error transactions report no progress
  await tx.createIndex('users', 'x', 'x', { onProgress: () => {} })
  // @ts-expect-error there is no such event
  db.on('closed', () => {})
  // @ts-expect-error databases come from open()
  const made = new Database()
  // @ts-expect-error ranges come from the static methods
  const range = new KeyRange(1, 2, false, false)

  void [user, key, string, age, nested, made, range, strength]
}

export function errors(error: unknown): string {
  if (!(error instanceof LodestoreError)) return ''
  const code: ErrorCode = error.code
  // @ts-expect-error there is no such code
  if (error.code === 'NOT_THERE') return ''
  // @ts-expect-error errors are read, not written
  error.code = 'IO'
  const order: -1 | 0 | 1 = compareKeys(1, 'a')
  const range: KeyRange<number> = KeyRange.bound(1, 2, true, false)
  const lower: number | undefined = range.lower
  void [order, lower]
  return `${code} ${error.store ?? ''} ${error.retryable}`
}
