/** A process that cares for a database, and is killed meanwhile. */

import { decrypt, encrypt, open, repair, restore } from '../../index.js'
import type { EncryptionOptions } from '../../index.js'
import { heard, say } from '../support/parent'
import { IMPORTED, NEW_PASSPHRASE, PASSPHRASE, importOptions, optionsOf } from './content'

/** What the process is asked to do. */
export interface Work {
  name: string
  /** The database, and what is made of it, or taken. */
  path: string
  other: string
  sealed: boolean
}

function* lines(): Generator<string> {
  for (let i = 0; i < IMPORTED; i++) yield `{"i":${i},"text":"imported ${i}"}\n`
}

const WORKS: Record<string, (work: Work) => Promise<unknown>> = {
  restore: ({ path, other, sealed }) => restore(other, path, optionsOf(sealed)),
  repair: ({ path, other, sealed }) => repair(path, other, optionsOf(sealed)),
  encrypt: ({ path }) => encrypt(path, optionsOf(true) as { encryption: EncryptionOptions }),
  decrypt: ({ path }) => decrypt(path, optionsOf(true) as { encryption: EncryptionOptions }),
}

/** What has to be there before. */
const PREPARED: Record<string, (db: any) => Promise<unknown>> = {
  removeKey: (db) => db.addKey(PASSPHRASE, NEW_PASSPHRASE),
}

/** Works on databases that are open. */
const OPEN: Record<string, (db: any, work: Work) => Promise<unknown>> = {
  changePassphrase: (db) => db.changePassphrase(PASSPHRASE, NEW_PASSPHRASE),
  addKey: (db) => db.addKey(PASSPHRASE, NEW_PASSPHRASE),
  removeKey: (db) => db.removeKey(NEW_PASSPHRASE),
  rotateKey: (db) => db.rotateKey(),
  backup: (db, { other }) => db.backup(other),
  'backup of pages': (db, { other }) => db.backup(other, { compact: false }),
  'backup encrypted anew': (db, { other }) => db.backup(other, { encryption: NEW_PASSPHRASE }),
  compact: (db) => db.compact(),
  importFrom: (db) => db.importFrom(lines(), importOptions),
}

async function main(): Promise<void> {
  const work = await heard<Work>()
  const { name, path, sealed } = work
  const inOpen = OPEN[name]
  const db = inOpen && (await open(path, { ...optionsOf(sealed), mode: 'open' }))
  await PREPARED[name]?.(db)
  say({ begins: true })
  await (inOpen?.(db, work) ?? WORKS[name]!(work))
  say({ done: true })
  await db?.close()
}

main().catch((error) => {
  say({ failure: error?.stack ?? String(error) })
  process.exitCode = 1
})
