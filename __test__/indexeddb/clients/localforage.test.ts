import { join } from 'node:path'
import { test } from 'node:test'
import { runPhases } from '../run-phases'

test('localForage keeps its data from one process to the next', (t) =>
  runPhases(t, join(__dirname, 'localforage.ts'), ['create', 'reopen']))
