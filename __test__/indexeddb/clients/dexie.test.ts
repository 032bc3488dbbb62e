import { join } from 'node:path'
import { test } from 'node:test'
import { runPhases } from '../run-phases'

test('Dexie keeps its data from one process to the next', (t) =>
  runPhases(t, join(__dirname, 'dexie.ts'), ['create', 'upgrade', 'reopen', 'remove']))
