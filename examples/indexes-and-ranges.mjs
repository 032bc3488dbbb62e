/** Indexes of every kind, and the ranges that read them. */

import { KeyRange, open } from 'lodestore'

const db = await open(':memory:', {
  stores: {
    people: {
      keyPath: 'id',
      indexes: {
        byAge: { on: 'age' },
        byCityAge: { on: ['city', '-age'] },
        byTag: { on: 'tags', multiEntry: true },
        byStreet: { on: 'address.street', sparse: true },
      },
    },
  },
})
const people = db.store('people')
await people.putMany([
  { id: 1, name: 'Ada', city: 'London', age: 36, tags: ['math', 'engines'] },
  { id: 2, name: 'Alan', city: 'London', age: 41, tags: ['math'] },
  { id: 3, name: 'Blaise', city: 'Paris', age: 39, tags: ['math', 'prose'] },
  { id: 4, name: 'Émilie', city: 'Paris', age: 42, tags: [], address: { street: 'Rue de Cirey' } },
])

const names = (documents) => documents.map(({ name }) => name).join(', ')

// A range of an index: plain bounds, or a KeyRange as in IndexedDB.
console.log('40 and older:', names(await people.index('byAge').getAll({ gte: 40 })))
const thirties = KeyRange.bound(30, 40, false, true)
console.log('in their thirties:', names(await people.index('byAge').getAll(thirties)))

// A compound index, the second part descending. Fewer values stand for all keys that begin so.
console.log('Paris, oldest first:', names(await people.index('byCityAge').getAll(['Paris'])))
const london = await people.index('byCityAge').getAll({ gte: ['London', 40], lte: ['London'] })
console.log('London, from 40:', names(london))

// A multi-entry index has an entry for each element of an array.
console.log('mathematicians:', await people.index('byTag').count('math'))

// A sparse index leaves out documents without the field; other indexes hold it as null.
console.log('with a street:', await people.index('byStreet').count())

// The primary key is a range, too; results may be taken one by one.
for await (const { name } of people.range({ gt: 1, limit: 2, reverse: true })) {
  console.log('from the end:', name)
}
await db.close()
