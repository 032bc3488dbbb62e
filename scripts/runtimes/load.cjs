/*
 * Runs a TypeScript program of the tests in Deno, as tsx runs it in Node.js: as CommonJS, which is
 * what this package's type says.
 *
 *     deno run -A scripts/runtimes/load.cjs program.ts [argument …]
 *     LODESTORE_TEST_FILE=file.test.ts deno test -A scripts/runtimes/load.cjs
 */

'use strict'

const Module = require('node:module')
const { resolve } = require('node:path')
require('tsx/cjs')

let file = process.env.LODESTORE_TEST_FILE
if (file === undefined) {
  file = process.argv[2]
  process.argv.splice(1, 2, resolve(file))
} else {
  // The programs that a test starts are no tests.
  delete process.env.LODESTORE_TEST_FILE
}
// As the main module, which a program may ask for.
Module._load(resolve(file), null, true)
