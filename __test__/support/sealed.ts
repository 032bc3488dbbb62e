/** Whether the tests run on encrypted databases (`npm run test:sealed`), and what that means. */

import { join } from 'node:path'

export const isSealed = process.env.LODESTORE_TEST_SEALED === '1'

/** The key of their databases (sealed.cjs). */
export const sealedKey = isSealed ? new Uint8Array(32).fill(7) : undefined

/** The option by which a test is left out of these runs, with the reason. */
export function unlessSealed(reason: string): { skip: string | false } {
  return { skip: isSealed && `on encrypted databases: ${reason}` }
}

/** The test is about what LMDB's pages hold, which in encrypted databases are blocks. */
export const PAGES = 'it looks into pages; damage/ and sealed_tampering.rs are about blocks'

/** The test chooses its own keys, and expects other ones to be needed where none is given. */
export const OWN_KEYS = 'it has encrypted databases of its own'

/** The test is about graphs whose vectors stay in a file that is mapped. */
export const MAPPED = 'the files of encrypted databases are not mapped'

const hook = join(__dirname, 'sealed.cjs')

/** What makes the databases of a child process encrypted. */
export function sealedEnvironment(): Record<string, string> {
  const { NODE_OPTIONS = '' } = process.env
  return { NODE_OPTIONS: `${NODE_OPTIONS} --require=${JSON.stringify(hook)}`.trim() }
}
