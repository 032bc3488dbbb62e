import { test } from 'node:test'
import { runPhases } from './run'

test('Dexie keeps its data from one process to the next', (t) =>
  runPhases(t, 'dexie.ts', ['create', 'upgrade', 'reopen', 'remove']))
