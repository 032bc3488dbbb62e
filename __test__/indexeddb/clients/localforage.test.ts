import { join } from 'node:path'
import { test } from 'node:test'
import { runPhases } from '../run-phases'

/** It tries `localStorage`, which newer versions of Node.js have, and warn of. */
const ADVERTISES = /^$|localStorage is not available/

test('localForage keeps its data from one process to the next', (t) =>
  runPhases(t, join(__dirname, 'localforage.ts'), ['create', 'reopen'], { advertises: ADVERTISES }))
