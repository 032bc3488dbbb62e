/** Installs IndexedDB before any client is loaded, and runs one phase of a program. */

import 'lodestore/indexeddb/auto'
import { say } from '../support/parent'

/** Runs the phase that the command line names; the process has to end by itself afterwards. */
export function phases(all: Record<string, () => Promise<void>>): void {
  const name = process.argv[2]!
  all[name]!().then(
    () => say({ finished: name }),
    (error) => {
      console.error(error)
      process.exitCode = 1
    },
  )
}
