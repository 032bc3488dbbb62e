import { join } from 'node:path'
import { test } from 'node:test'
import { ioEnvironment, noPreload } from '../support/preload'
import { temporaryDirectory } from '../support/database'
import { runPhases } from './run-phases'

const PROGRAM = join(__dirname, 'connections.ts')

const COLLECTED: Record<string, string> = {
  dropped: 'a connection that its program has dropped gives way',
  listening: 'one with listeners stays',
  working: 'and so does one whose transactions have not ended',
}

for (const [phase, name] of Object.entries(COLLECTED)) {
  test(name, (t) => runPhases(t, PROGRAM, [phase], { nodeArgs: ['--expose-gc'] }))
}

test('connections are closed when the disk has failed', { skip: noPreload() }, async (t) => {
  const directory = await temporaryDirectory(t)
  const env = { ...ioEnvironment({ directory }), LODESTORE_PATH: directory }
  await runPhases(t, PROGRAM, ['failing'], { env, advertises: /POISONED/ })
})
