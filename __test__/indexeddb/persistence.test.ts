import { join } from 'node:path'
import { test } from 'node:test'
import { runPhases } from './run-phases'

test('everything is found by the next process', (t) =>
  runPhases(t, join(__dirname, 'persistence.ts'), ['write', 'change', 'read']))
