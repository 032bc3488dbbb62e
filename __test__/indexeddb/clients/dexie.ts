import { phases } from '../phases'
import assert from 'node:assert/strict'
import { Dexie, liveQuery } from 'dexie'

const COUNT = 1000

interface Friend {
  id?: number
  name: string
  age: number
  tags?: string[]
}

/** The database in its first version, or in a later one with all its upgrades. */
function friends(version: number): any {
  const db = new Dexie('friends')
  db.version(1).stores({ friends: '++id,name,age' })
  if (version >= 2) {
    db.version(2)
      .stores({ friends: '++id,name,age,[name+age],*tags', pets: '&name' })
      .upgrade((tx) =>
        tx
          .table('friends')
          .toCollection()
          .modify((friend: Friend) => {
            friend.tags = [`t${friend.age % 3}`, 'all']
          }),
      )
  }
  if (version >= 3) db.version(3).stores({ friends: '++id,age,[name+age],*tags', pets: null })
  return db
}

async function create(): Promise<void> {
  const db = friends(1)
  const documents = Array.from({ length: COUNT }, (_, i) => ({ name: `n${i}`, age: i % 100 }))
  assert.equal(await db.friends.bulkAdd(documents), COUNT)
  assert.equal(await db.friends.where('age').above(97).count(), 20)
  await assert.rejects(db.friends.add({ id: 1, name: 'again' }), { name: 'ConstraintError' })
  const { failures } = await db.friends
    .bulkAdd([{ id: 2 }, { name: 'late', age: 200 }])
    .catch((error: unknown) => error)
  assert.equal(failures.length, 1)
  assert.equal(await db.friends.count(), COUNT + 1)
  await checkTransactions(db)
  await checkLiveQuery(db)
  db.close()
}

async function checkTransactions(db: any): Promise<void> {
  await db.transaction('rw', db.friends, async () => {
    const friend = await db.friends.get(1)
    await Dexie.waitFor(new Promise((resolve) => setTimeout(resolve, 20)))
    await db.friends.put({ ...friend, age: 1000 })
    // A nested transaction runs within this one.
    await db.transaction('rw', db.friends, () => db.friends.update(1, { name: 'first' }))
    assert.equal((await db.friends.where('age').equals(1000).first()).name, 'first')
  })
  const failing = db.transaction('rw', db.friends, async () => {
    await db.friends.delete(1)
    assert.equal(await db.friends.get(1), undefined)
    throw new Error('on purpose')
  })
  await assert.rejects(failing, /on purpose/)
  assert.equal((await db.friends.get(1)).age, 1000)
  await assert.rejects(
    db.transaction('r', db.friends, () => db.friends.delete(1)),
    { name: 'ReadOnlyError' },
  )
}

async function checkLiveQuery(db: any): Promise<void> {
  const answers: number[] = []
  const waiting: (() => void)[] = []
  const query = liveQuery(() => db.friends.where('age').aboveOrEqual(1000).count())
  const subscription = query.subscribe((count) => {
    answers.push(count as number)
    waiting.shift()?.()
  })
  const answered = () => new Promise<void>((resolve) => waiting.push(resolve))
  await answered()
  const second = answered()
  const id = await db.friends.add({ name: 'old', age: 2000 })
  await second
  const third = answered()
  await db.friends.delete(id)
  await third
  subscription.unsubscribe()
  assert.deepEqual(answers, [1, 2, 1])
}

async function upgrade(): Promise<void> {
  const db = friends(2)
  await db.open()
  assert.equal(db.verno, 2)
  assert.equal(await db.friends.where('tags').equals('t1').count(), 331)
  assert.equal(await db.friends.where('tags').equals('all').count(), COUNT + 1)
  assert.equal(await db.friends.where('tags').anyOf('t0', 'all').distinct().count(), COUNT + 1)
  const [friend] = await db.friends.where('[name+age]').equals(['n5', 5]).toArray()
  assert.deepEqual(friend, { id: 6, name: 'n5', age: 5, tags: ['t2', 'all'] })
  assert.equal(await db.friends.where({ name: 'n7', age: 7 }).count(), 1)
  await db.pets.bulkPut([{ name: 'Rex' }, { name: 'Tom' }])
  db.close()
}

async function reopen(): Promise<void> {
  const known = new Dexie('friends')
  await known.open()
  assert.deepEqual(
    known.tables.map(({ name }) => name),
    ['friends', 'pets'],
  )
  assert.equal(await known.table('pets').count(), 2)
  known.close()

  const db = friends(3)
  assert.equal(await db.friends.count(), COUNT + 1)
  assert.deepEqual(
    db.tables.map(({ name }: { name: string }) => name),
    ['friends'],
  )
  const oldest = await db.friends.orderBy('age').reverse().limit(3).toArray()
  assert.deepEqual(
    oldest.map(({ age }: Friend) => age),
    [1000, 200, 99],
  )
  const ages: number[] = []
  await db.friends
    .where('age')
    .between(10, 13)
    .until(() => ages.length === 15)
    .each(({ age }: Friend) => ages.push(age))
  assert.deepEqual(ages, [...Array(10).fill(10), ...Array(5).fill(11)])
  assert.equal(await db.friends.filter((each: Friend) => each.name.endsWith('9')).count(), 100)
  assert.equal(await db.friends.where('age').noneOf([1, 2, 3]).delete(), COUNT + 1 - 30)
  assert.deepEqual(await db.friends.orderBy('age').uniqueKeys(), [1, 2, 3])
  // A friend has a number of its own, whatever was deleted.
  assert.ok((await db.friends.add({ name: 'new', age: 1 })) > COUNT + 2)
  assert.deepEqual(await db.friends.bulkGet([2, 6]), [
    { id: 2, name: 'n1', age: 1, tags: ['t1', 'all'] },
    undefined,
  ])
  db.close()
}

async function remove(): Promise<void> {
  assert.deepEqual(await Dexie.getDatabaseNames(), ['friends'])
  await Dexie.delete('friends')
  assert.equal(await Dexie.exists('friends'), false)
  assert.deepEqual(await Dexie.getDatabaseNames(), [])
}

phases({ create, upgrade, reopen, remove }, { hasChannel: true })
