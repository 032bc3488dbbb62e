/** The application: nothing in here knows where it runs. */

import { Dexie, liveQuery } from 'dexie'

const db = new Dexie('FriendDatabase')
db.version(1).stores({ friends: '++id, name, age' })
db.version(2)
  .stores({ friends: '++id, name, age, *hobbies, [city+age]' })
  .upgrade((tx) =>
    tx
      .table('friends')
      .toCollection()
      .modify((friend) => {
        friend.hobbies ??= []
      }),
  )

/** Calls a function with each result of a query that differs from the one before. */
function watch(query, onResult) {
  return liveQuery(query).subscribe({ next: onResult, error: console.error })
}

async function meet() {
  await db.transaction('rw', db.friends, async () => {
    await db.friends.clear()
    await db.friends.bulkAdd([
      { name: 'Ada', age: 36, city: 'London', hobbies: ['mathematics', 'poetry'] },
      { name: 'Alan', age: 41, city: 'London', hobbies: ['running', 'mathematics'] },
      { name: 'Blaise', age: 39, city: 'Paris', hobbies: ['roulette'] },
      { name: 'Émilie', age: 42, city: 'Paris', hobbies: ['mathematics', 'fencing'] },
    ])
  })
}

async function look() {
  const names = async (collection) =>
    (await collection.toArray()).map(({ name }) => name).join(', ')
  console.log('older than 40:', await names(db.friends.where('age').above(40)))
  console.log('mathematics:', await names(db.friends.where('hobbies').equals('mathematics')))
  const londoners = db.friends.where('[city+age]').between(['London', 0], ['London', 40])
  console.log('in London, up to 40:', await names(londoners))
}

/** A transaction that fails leaves nothing behind. */
async function fail() {
  try {
    await db.transaction('rw', db.friends, async () => {
      await db.friends.where('city').equals('London').delete()
      throw new Error('changed my mind')
    })
  } catch (error) {
    console.log(`${error.name}, and there are ${await db.friends.count()} friends`)
  }
  await db.transaction('rw', db.friends, async () => {
    const ada = await db.friends.where('name').equals('Ada').first()
    await db.friends.update(ada.id, { age: ada.age + 1 })
  })
}

/** Sees changes as they are made. */
async function observe() {
  let told
  const next = () =>
    new Promise((resolve) => {
      told = resolve
    })
  const first = next()
  const subscription = watch(
    () => db.friends.where('age').below(40).sortBy('age'),
    (young) => told(young.map(({ name, age }) => `${name} (${age})`).join(', ')),
  )
  console.log('young:', await first)
  const second = next()
  await db.friends.add({ name: 'Évariste', age: 20, city: 'Paris', hobbies: [] })
  console.log('young:', await second)
  subscription.unsubscribe()
}

export async function run() {
  await meet()
  await look()
  await fail()
  await observe()
  db.close()
}
