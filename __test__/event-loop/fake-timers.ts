/** Uses a database while the timers never run. */

import { mock } from 'node:test'
import { open } from '../../index.js'
import { documents } from '../support/database'
import { say } from '../support/parent'

const [path, what] = process.argv.slice(2) as [string, string]
const COUNT = 400
const turn = setImmediate

/** What replaces a timer never runs, and does not keep the process alive. */
function replaceTimers(): void {
  if (what === 'the timers of node:test') {
    mock.timers.enable({ apis: ['setImmediate', 'setTimeout', 'setInterval'] })
    return
  }
  const never = () => ({ ref() {}, unref() {} })
  Object.assign(globalThis, { setImmediate: never, setTimeout: never, setInterval: never })
}

async function main(): Promise<void> {
  replaceTimers()
  const [a, b] = [(await open(path)) as any, (await open(path)) as any]
  const before = await a.store('s').count()
  await b.store('s').putMany(documents(COUNT))
  const after = await a.store('s').count()
  const rows: unknown[] = []
  for await (const row of a.store('s').range()) {
    rows.push(row)
    const until = performance.now() + 0.5
    while (performance.now() < until);
  }
  // What was read is let go of when the event loop has turned: it would hold back free pages.
  for (let i = 0; i < 2; i++) await new Promise((resolve) => turn(resolve))
  const { readers } = await b.stats()
  await a.close()
  await b.close()
  say({ before, after, scanned: rows.length, readers })
}

void main()
