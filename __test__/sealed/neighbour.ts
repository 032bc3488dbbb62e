/** A process that has a database and its space open, and reads and writes when it is told to. */

import { open } from '../../index.js'
import type { EncryptionOptions } from '../../index.js'
import { heard, say } from '../support/parent'

async function main(): Promise<void> {
  const { path, secret } = await heard<{ path: string; secret: string | number }>()
  const encryption: EncryptionOptions =
    typeof secret === 'string' ? { passphrase: secret } : { key: new Uint8Array(32).fill(secret) }
  const db = await open(path, { encryption, mode: 'open' })
  const space = await open(path, { encryption, space: 'a', mode: 'open' })
  say('open')
  for (;;) {
    const told = await heard<{ write: number } | 'close'>()
    if (told === 'close') break
    try {
      const counts = []
      for (const each of [db, space]) {
        const store = (each as any).store('s')
        await store.put({ id: told.write, text: `from another process ${told.write}` })
        const all = await store.getAll()
        counts.push(all.filter(({ text }: any) => text.startsWith('from')).length)
      }
      say({ counts })
    } catch (error) {
      say({ code: (error as { code?: string }).code ?? String(error) })
    }
  }
  await space.close()
  await db.close()
}

void main()
