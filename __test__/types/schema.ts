// Types of a database whose stores are described by an interface.

import { KeyRange, open } from '../../index.js'

interface User {
  id: string
  email: string
  age: number
}

interface Visit {
  day: Date
  page: string
}

interface Types {
  users: {
    document: User
    key: string
    insert: Omit<User, 'id'> & { id?: string }
    indexes: { byEmail: string; byAge: number }
  }
  visits: { document: Visit; key: number }
}

export async function typedBySchema(): Promise<void> {
  const db = await open<Types>('./data', {
    stores: { users: { keyPath: 'id', key: 'uuidv7', indexes: { byEmail: { on: 'email' } } } },
  })

  const users = db.store('users')
  const key: string = await users.add({ email: 'a@b.c', age: 3 })
  const user: User | undefined = await users.get(key)
  const sync: User | undefined = users.getSync('x')
  const many: (User | undefined)[] = await users.getMany(['x', 'y'])
  const all: User[] = await users.getAll({ gte: 'a', lt: 'b', limit: 3 })
  const keys: string[] = await users.getAllKeys(KeyRange.lowerBound('m'))
  const names: string[] = db.storeNames
  const count: number = await users.delete({ gt: 'a' })
  const byAge: User | undefined = await users.index('byAge').get(30)
  const byKey: string | undefined = await users.index('byEmail').getKey('a@b.c')
  const put: string[] = await users.putMany([{ email: 'x', age: 1 }])
  const { keys: partial, errors } = await users.putMany([], { atomic: false })
  const first: string | undefined = partial[0]
  const failed: number | undefined = errors[0]?.at
  const pairs: number[] = await db
    .store('visits')
    .putMany(new Map([[1, { day: new Date(), page: '/' }]]), { entries: true })

  for await (const { email } of users.range({ gte: 'a', reverse: true })) email.toUpperCase()
  for await (const each of users.keys()) each.toUpperCase()
  for await (const { key: age, primaryKey } of users.index('byAge').entries()) {
    age.toFixed()
    primaryKey.toUpperCase()
  }
  const cursor = users.index('byAge').openCursor({ gte: 3 }, { direction: 'prevunique' })
  while (await cursor.next()) cursor.value?.email.toUpperCase()
  await cursor.seek(4, 'key')

  const total: number = await db.transaction(
    async (tx) => {
      const inside: User | undefined = await tx.store('users').get('x')
      await tx.savepoint(async (inner) => inner.store('users').count())
      return inside?.age ?? 0
    },
    { stores: ['users'], mode: 'readonly' },
  )

  // @ts-expect-error there is no such store
  db.store('user')
  // @ts-expect-error there is no such store
  await db.deleteObjectStore('user')
  // @ts-expect-error there is no such index
  users.index('byName')
  // @ts-expect-error a number is not a key of this store
  await users.get(3)
  // @ts-expect-error a string is not a key of this index
  await users.index('byAge').get('x')
  // @ts-expect-error the document lacks a field
  await users.put({ email: 'a@b.c' })
  // @ts-expect-error there is no such store
  await db.transaction(async () => {}, { stores: ['user'] })
  // @ts-expect-error there is no such mode
  await db.transaction(async () => {}, { mode: 'write' })
  // @ts-expect-error bounds are keys
  users.range({ gte: 3 })
  // @ts-expect-error stores have no such option
  users.range({ gte: 'a', unique: true })
  // @ts-expect-error what is read has no such field
  const name: unknown = user?.name
  // @ts-expect-error pairs need { entries: true }
  await db.store('visits').putMany(new Map([[1, { day: new Date(), page: '/' }]]))
  // @ts-expect-error a snapshot cannot be written to
  await (await db.snapshot()).createObjectStore('x')

  void [sync, many, all, keys, names, count, byAge, byKey, put, first, failed, pairs, total, name]
}

export async function refusesOtherDefinitions(): Promise<void> {
  // @ts-expect-error there is no such store
  await open<Types>('./data', { stores: { user: {} } })
  // @ts-expect-error keys are made in other ways
  await open<Types>('./data', { stores: { users: { key: 'random' } } })
}
