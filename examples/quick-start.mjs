/** The least that a program needs: open, write, read, close. */

import { open } from 'lodestore'

const db = await open('./data/quick-start', {
  stores: {
    users: { keyPath: 'id', indexes: { byEmail: { on: 'email', unique: true } } },
  },
})
const users = db.store('users')

await users.put({ id: 1, name: 'Ada', email: 'ada@example.com', joined: new Date('2024-03-01') })
await users.put({
  id: 2,
  name: 'Grace',
  email: 'grace@example.com',
  joined: new Date('2025-07-09'),
})

const ada = await users.get(1)
console.log(`${ada.name} joined in ${ada.joined.getUTCFullYear()}`)

const grace = await users.index('byEmail').get('grace@example.com')
console.log(`grace@example.com is user ${grace.id}`)

try {
  await users.add({ id: 3, name: 'Eve', email: 'ada@example.com' })
} catch (error) {
  console.log(`refused: ${error.code}`)
}

console.log(`${await users.count()} users`)
await db.close()
