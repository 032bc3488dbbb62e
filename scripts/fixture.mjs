// Makes a database with something of everything that the format has, for the tests that hold later
// versions to reading it.
//
//   node --import tsx scripts/fixture.mjs tests/fixtures/format-<version>[-<what is special>]
//
// One whose name ends with '-passphrase' or '-key' is encrypted; see __test__/format/contents.ts.
//
// A fixture that was released is never made again.

import { readdirSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { Failure, main } from './lib/common.mjs'

const require = createRequire(import.meta.url)
const { open } = require('../index.js')
const { encryptionOf, writeContents } = require('../__test__/format/contents.ts')

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
  const encryption = encryptionOf(path)
  await writeContents((where, options) => open(where, { ...options, encryption }), path)
  removeLocks(path)
})
