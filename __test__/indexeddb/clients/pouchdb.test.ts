import { test } from 'node:test'
import { runPhases } from './run'

test('PouchDB keeps its data from one process to the next', (t) =>
  runPhases(t, 'pouchdb.ts', ['create', 'reopen']))
