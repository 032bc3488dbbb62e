import { test } from 'node:test'
import { runPhases } from './run'

test('RxDB with the storage of Dexie keeps its data from one process to the next', (t) =>
  runPhases(t, 'rxdb.ts', ['create', 'reopen'], /RxDB Open Core RxStorage/))
