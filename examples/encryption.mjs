/** An encrypted database: its key from where secrets are kept, a recovery passphrase, a new key. */

import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { open } from 'lodestore'

// Stands for what keeps secrets: Electron's safeStorage, or the keychain of the operating system.
// It answers when it is asked, perhaps after the user has allowed it.
const secrets = new Map([['notes', randomBytes(32).toString('base64')]])
const keychain = { read: async (name) => secrets.get(name) }
const key = async () => Buffer.from(await keychain.read('notes'), 'base64')

const path = './data/encrypted'
await rm(path, { recursive: true, force: true })
const notes = { keyPath: 'id', indexes: { byTag: { on: 'tag' } } }
let db = await open(path, { encryption: { key }, stores: { notes } })
await db.store('notes').put({ id: 1, tag: 'private', text: 'nobody else reads this' })

// A second secret, for when the first one is lost.
await db.addKey({ key: await key() }, 'correct horse battery staple')
await db.close()

for (const [what, options] of [
  ['without a key', {}],
  ['with another one', { encryption: { key: randomBytes(32) } }],
]) {
  await open(path, options).catch((error) => console.log(`${what}: ${error.code}`))
}

db = await open(path, { encryption: { passphrase: 'correct horse battery staple' } })
console.log('with the passphrase:', (await db.store('notes').get(1)).text)

// The key of the keychain is not trusted any more: it opens nothing from now on, and everything is
// encrypted with a data key that nobody who knew it has seen, while the database is in use.
await db.removeKey({ key: await key() })
let blocks = 0
await db.rotateKey({ onProgress: ({ done }) => (blocks = done) })
console.log('encrypted anew:', blocks > 0, 'pending:', (await db.stats()).keyRotation)
await db.close()
await open(path, { encryption: { key } }).catch((error) => console.log(`as before: ${error.code}`))
