import { test } from 'node:test'
import { runPhases } from './run'

test('idb keeps its data from one process to the next', (t) =>
  runPhases(t, 'idb.ts', ['create', 'reopen']))
