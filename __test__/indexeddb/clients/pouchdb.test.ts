import { join } from 'node:path'
import { test } from 'node:test'
import { runPhases } from '../run-phases'
import { runtime } from '../../support/runtime'

/** Deno tells of a module that is out of date, which PouchDB asks for. */
const ADVERTISES = runtime === 'deno' ? /punycode/ : undefined

test('PouchDB keeps its data from one process to the next', (t) =>
  runPhases(t, join(__dirname, 'pouchdb.ts'), ['create', 'reopen'], { advertises: ADVERTISES }))
