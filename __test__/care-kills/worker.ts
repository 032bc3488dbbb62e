/** A process that restores, and is killed meanwhile. */

import { restore } from '../../index.js'
import { heard, say } from '../support/parent'

async function main(): Promise<void> {
  const { from, to } = await heard()
  say({ begins: true })
  await restore(from, to)
  say({ done: true })
}

main().catch((error) => {
  say({ failure: error?.stack ?? String(error) })
  process.exitCode = 1
})
