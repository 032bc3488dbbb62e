import { join } from 'node:path'
import { test } from 'node:test'
import { runPhases } from '../run-phases'

test('RxDB with the storage of Dexie keeps its data from one process to the next', (t) =>
  runPhases(t, join(__dirname, 'rxdb.ts'), ['create', 'reopen'], {
    advertises: /RxDB Open Core RxStorage/,
  }))
