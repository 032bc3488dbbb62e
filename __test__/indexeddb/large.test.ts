import { join } from 'node:path'
import { test } from 'node:test'
import { runPhases } from './run-phases'

test('100,000 records pass through a cursor in little memory', (t) =>
  runPhases(t, join(__dirname, 'large.ts'), ['write', 'read', 'change']))
