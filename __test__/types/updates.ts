// What updates may be given, by the type of the document.

import type {
  Store,
  Update,
  UpdatePath,
  UpdateResult,
  UpsertResult,
  ValueAtPath,
} from '../../index.js'

/** Compiles only if both types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function is<T extends true>(): T | void {}

interface User {
  id: string
  name?: string
  age: number
  big: bigint
  seen: Date | null
  tags: string[]
  address: { city: string; zip?: number }
  orders: { item: string; count: number; notes: string[] }[]
  parent?: User
}

export function paths(): void {
  const valid: UpdatePath<User>[] = [
    'age',
    'address.city',
    'tags.0',
    'tags.$[]',
    'orders.3.item',
    'orders.$[].notes.$[n]',
    'orders.$[big].count',
    'orders.$.count',
    'parent.parent.name',
  ]
  is<Same<ValueAtPath<User, 'address.city'>, string>>()
  is<Same<ValueAtPath<User, 'orders.0.count'>, number>>()
  is<Same<ValueAtPath<any, 'x.y'>, any>>()
  // @ts-expect-error there is no such field
  const wrong: UpdatePath<User> = 'addres'
  // @ts-expect-error there is no such field inside
  const inside: UpdatePath<User> = 'address.street'
  // @ts-expect-error numbers have no fields
  const number: UpdatePath<User> = 'age.x'
  void [valid, wrong, inside, number]
}

export async function updates(users: Store<User, string>): Promise<void> {
  const result = await users.update('x', { $set: { age: 1 } })
  is<Same<typeof result, UpdateResult<string>>>()
  is<Same<typeof result.upserted, string | undefined>>()
  const all: Update<User> = {
    $set: { name: 'x', 'address.city': 'y', 'orders.0.count': 1, 'tags.$[]': 'z', seen: null },
    $setOnInsert: { big: 1n },
    $unset: { 'address.zip': '', name: true },
    $inc: { age: 1, big: 1, 'orders.$[o].count': 2 },
    $mul: { age: 2 },
    $min: { age: 5 },
    $max: { seen: new Date() },
    $rename: { name: 'nickname' },
    $currentDate: { seen: true },
    $bit: { age: { and: 5 } },
    $push: {
      tags: 'x',
      orders: { $each: [{ item: 'i', count: 1, notes: [] }], $sort: { count: -1 } },
    },
    $addToSet: { tags: { $each: ['a', 'b'] }, 'orders.$[].notes': 'n' },
    $pop: { tags: 1 },
    $pull: { tags: { $in: ['a'] }, orders: { count: { $gt: 5 } } },
    $pullAll: { tags: ['a'] },
  }
  await users.update('x', all, { arrayFilters: [{ 'o.count': { $gt: 1 } }], upsert: true })
  await users.update('x', { $set: {} }, { upsert: undefined })

  // @ts-expect-error a document has no operators
  await users.update('x', { age: 1 })
  // @ts-expect-error there is no such operator
  await users.update('x', { $sett: { age: 1 } })
  // @ts-expect-error there is no such field
  await users.update('x', { $set: { agee: 1 } })
  // @ts-expect-error of another type
  await users.update('x', { $set: { age: '1' } })
  // @ts-expect-error of another type, inside
  await users.update('x', { $set: { 'address.city': 1 } })
  // @ts-expect-error only numbers are added
  await users.update('x', { $inc: { name: 1 } })
  // @ts-expect-error a number is added
  await users.update('x', { $inc: { age: '1' } })
  // @ts-expect-error no array
  await users.update('x', { $push: { age: 1 } })
  // @ts-expect-error elements of another type
  await users.update('x', { $push: { tags: 1 } })
  // @ts-expect-error elements of another type
  await users.update('x', { $addToSet: { tags: { $each: [1] } } })
  // @ts-expect-error an end
  await users.update('x', { $pop: { tags: 2 } })
  // @ts-expect-error only dates
  await users.update('x', { $currentDate: { age: true } })
  // @ts-expect-error the store's keys are strings
  await users.update(1, { $set: { age: 1 } })
  // @ts-expect-error there is no such option
  await users.update('x', { $set: { age: 1 } }, { multi: true })
}

export async function calculations(users: Store<User, string>): Promise<void> {
  await users.update('x', { $set: { age: { $add: ['$age', 1] }, name: { $expr: '$id' } } })
  await users.update('x', { $setOnInsert: { 'address.city': { $toUpper: '$name' } } })
  // @ts-expect-error an object of other fields is a value of another type
  await users.update('x', { $set: { age: { add: 1 } } })
}

export async function pipelines(users: Store<User, string>): Promise<void> {
  await users.update('x', [{ $set: { age: { $add: ['$age', 1] } } }, { $unset: 'name' }])
  // @ts-expect-error stages have operators
  await users.update('x', [{ age: 1 }])
}

export async function upserts(users: Store<User, string, { byName: string }>): Promise<void> {
  const result = await users.upsert({ name: 'x', age: 5 }, { on: 'byName' })
  is<Same<typeof result, UpsertResult<string>>>()
  is<Same<typeof result.key, string>>()
  await users.upsert({ age: 5 }, { key: 'x' })
  // @ts-expect-error there is no such index
  await users.upsert({ age: 5 }, { on: 'byAge' })
  // @ts-expect-error there is no such field
  await users.upsert({ agee: 5 })
  // @ts-expect-error the store's keys are strings
  await users.upsert({ age: 5 }, { key: 1 })
}

export async function untyped(docs: Store): Promise<void> {
  await docs.update(1, {
    $set: { 'any.thing': 1 },
    $inc: { n: 1 },
    $push: { list: { $each: [1] } },
  })
  await docs.update(['a', 1], { $pull: { list: { $gt: 5 } }, $pop: { list: -1 } })
  // @ts-expect-error there is no such operator
  await docs.update(1, { $sett: { a: 1 } })
}
