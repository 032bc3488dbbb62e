/** Installs IndexedDB before any client is loaded, and runs one phase of a program. */

import 'lodestore/indexeddb/auto'
import { say } from '../support/parent'
import { runtime } from '../support/runtime'

/**
 * Runs the phase that the command line names; the process has to end by itself afterwards.
 *
 * @param options.hasChannel the client keeps a `BroadcastChannel` open, which it tells not to keep
 *   the process alive (`unref`) where that can be done. In Deno it cannot: programs have to exit.
 */
export function phases(
  all: Record<string, () => Promise<void>>,
  { hasChannel = false }: { hasChannel?: boolean } = {},
): void {
  const name = process.argv[2]!
  all[name]!().then(
    () => {
      say({ finished: name })
      if (hasChannel && runtime === 'deno') process.exit()
    },
    (error) => {
      console.error(error)
      process.exitCode = 1
    },
  )
}
