/** Transactions and savepoints: all of the work is kept, or none. */

import { LodestoreError, open } from 'lodestore'

const db = await open(':memory:', {
  stores: { accounts: { keyPath: 'id' }, journal: { autoIncrement: true } },
})
const accounts = db.store('accounts')
await accounts.putMany([
  { id: 'ada', balance: 100 },
  { id: 'grace', balance: 20 },
])

/** Moves money, or throws and changes nothing. */
async function transfer(from, to, amount) {
  await db.transaction(async (tx) => {
    const source = await tx.store('accounts').get(from)
    const target = await tx.store('accounts').get(to)
    if (source.balance < amount) throw new RangeError(`${from} has only ${source.balance}`)
    await tx.store('accounts').put({ ...source, balance: source.balance - amount })
    await tx.store('accounts').put({ ...target, balance: target.balance + amount })
    await tx.store('journal').add({ from, to, amount })
  })
}

await transfer('ada', 'grace', 30)
try {
  await transfer('ada', 'grace', 1000)
} catch (error) {
  console.log(`not transferred: ${error.message}`)
}
console.log(
  'balances:',
  (await accounts.getAll()).map(({ id, balance }) => `${id} ${balance}`).join(', '),
)

// A savepoint is undone by itself: what the transaction did before stays.
await db.transaction(async (tx) => {
  await tx.store('journal').add({ note: 'closing the books' })
  try {
    await tx.savepoint(async () => {
      await tx.store('accounts').clear()
      throw new Error('better not')
    })
  } catch (error) {
    console.log(`savepoint undone: ${error.message}`)
  }
})
console.log('accounts:', await accounts.count(), 'journal:', await db.store('journal').count())

// Calls on the database made inside the function join the transaction, too.
await db.transaction(async () => {
  await accounts.put({ id: 'alan', balance: 5 })
  console.log('seen inside:', (await accounts.get('alan')).balance)
})

// The explicit form, for work that does not fit into one function.
const tx = await db.begin()
await tx.store('accounts').delete('alan')
await tx.rollback()
console.log('still there:', await accounts.has('alan'))

// Read-only transactions see one state, whatever is written meanwhile.
await db.transaction(
  async (reading) => {
    await db.outside(() => accounts.put({ id: 'eve', balance: 0 }))
    console.log('one state:', await reading.store('accounts').count())
    try {
      await reading.store('accounts').clear()
    } catch (error) {
      if (!(error instanceof LodestoreError)) throw error
      console.log(`refused: ${error.code}`)
    }
  },
  { mode: 'readonly' },
)
console.log('afterwards:', await accounts.count())
await db.close()
