import { join } from 'node:path'
import { test } from 'node:test'
import { runPhases } from '../run-phases'

test('PouchDB keeps its data from one process to the next', (t) =>
  runPhases(t, join(__dirname, 'pouchdb.ts'), ['create', 'reopen']))
