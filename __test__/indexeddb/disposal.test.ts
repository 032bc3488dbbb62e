import { join } from 'node:path'
import { test } from 'node:test'
import { runPhases } from './run-phases'

const PHASES: Record<string, string> = {
  open: 'an open connection does not keep a process alive',
  listening: 'nor does a connection that listens for other versions',
  upgrade: 'an upgrade is finished before a process ends',
  request: 'a pending request keeps a process alive',
  transaction: 'a transaction without requests ends in a process that does nothing else',
  chain: 'transactions that begin others keep a process alive until the last has ended',
  waiting: 'a request that waits for a connection of its own process keeps it alive',
  closing: 'a connection that is closed ends its transactions first',
  thread: 'a thread with an open connection ends',
}

for (const [phase, name] of Object.entries(PHASES)) {
  test(name, (t) => runPhases(t, join(__dirname, 'disposal.ts'), [phase]))
}
