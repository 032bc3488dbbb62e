import { test } from 'node:test'
import { runPhases } from './run'

test('localForage keeps its data from one process to the next', (t) =>
  runPhases(t, 'localforage.ts', ['create', 'reopen']))
