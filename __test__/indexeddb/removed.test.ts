import { join } from 'node:path'
import { test } from 'node:test'
import { runPhases } from './run-phases'

const noRemoval = process.platform === 'win32' && 'files that are open cannot be deleted there'

test('the files of a database may be deleted once it is closed', { skip: noRemoval }, (t) =>
  runPhases(t, join(__dirname, 'removed.ts'), ['remove']),
)
