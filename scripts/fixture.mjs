// Makes a database with something of everything that the format has, for the tests that hold later
// versions to reading it.
//
//   node --import tsx scripts/fixture.mjs tests/fixtures/format-<version>[-<what is special>]
//
// One whose name ends with '-passphrase' or '-key' is encrypted; see __test__/format/contents.ts.
//
// 'journal-<version>' is one that was not closed, 'journal-changes' and 'journal-changes-key' are
// some that were killed with acknowledged writes in the journal alone.
//
// A fixture that was released is never made again.

import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { Failure, main } from './lib/common.mjs'

const require = createRequire(import.meta.url)
const { open } = require('../index.js')
const { encryptionOf, writeContents } = require('../__test__/format/contents.ts')
const { trimJournal, writeJournal } = require('../__test__/format/journal.ts')
const { FIXTURE_COUNT } = require('../__test__/deferred/documents.ts')
const { leaveChanges } = require('../__test__/deferred/killed.ts')

/** Removes what an open makes anew. */
function removeLocks(directory) {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name)
    if (entry.isDirectory()) removeLocks(path)
    else if (entry.name !== 'data.mdb') rmSync(path)
  }
}

await main(async () => {
  const [path] = process.argv.slice(2)
  if (path === undefined) throw new Failure('name the directory to make')
  if (basename(path).startsWith('journal-changes')) {
    const isSealed = path.endsWith('-key')
    await leaveChanges(path, { durability: 'strict', isSealed, count: FIXTURE_COUNT })
    trimJournal(join(path, 'data.journal'))
    for (const name of ['lock.mdb', 'lodestore.lock']) rmSync(join(path, name))
    return
  }
  if (basename(path).startsWith('journal-')) {
    const work = mkdtempSync(join(tmpdir(), 'lodestore-fixture-'))
    await writeJournal(open, path, work)
    rmSync(work, { recursive: true })
    return
  }
  const encryption = encryptionOf(path)
  await writeContents((where, options) => open(where, { ...options, encryption }), path)
  removeLocks(path)
})
