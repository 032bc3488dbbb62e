import assert from 'node:assert/strict'
import { test } from 'node:test'

type CheckFile = (path: string, text: string) => [line: number, message: string][]

async function check(path: string, text: string): Promise<string[]> {
  const { checkFile }: { checkFile: CheckFile } = await import('../../scripts/tidy.mjs')
  return checkFile(path, text).map(([line, message]) => `${line}: ${message}`)
}

async function assertRefused(path: string, text: string, expected: RegExp): Promise<void> {
  const problems = await check(path, text)
  assert.equal(problems.length, 1, `${path}: ${JSON.stringify(text)} gave ${problems.join('; ')}`)
  assert.match(problems[0]!, expected)
}

async function assertAccepted(path: string, text: string): Promise<void> {
  assert.deepEqual(await check(path, text), [])
}

test('a layer may use its own rank and those below', async () => {
  await assertAccepted('src/storage/txn.rs', 'use crate::key::Key;\nuse crate::error::Result;\n')
  await assertAccepted('src/key/mod.rs', 'use crate::wtf8::Wtf8String;\n')
  await assertAccepted('src/lib.rs', 'pub mod store;\npub use crate::store::Store;\n')
})

test('a layer must not use one above, however it is spelt', async () => {
  const above = /must not use (catalog|store), a layer above it/
  await assertRefused('src/storage/txn.rs', 'use crate::store::Store;\n', /^1: storage must not/)
  await assertRefused('src/storage/txn.rs', 'fn f() {\n  crate::catalog::open()\n}\n', /^2: /)
  await assertRefused(
    'src/key/mod.rs',
    'use crate::{\n    error::{Error, Result},\n    store,\n};\n',
    above,
  )
  await assertRefused('src/storage/lmdb/env.rs', 'use super::super::super::catalog::X;\n', above)
  await assertRefused('src/storage/mod.rs', 'use super::store::X;\n', above)
})

test('names in nested braces, comments and strings are no use of a layer', async () => {
  await assertAccepted('src/key/mod.rs', 'use crate::{error::{store, Result}, wtf8};\n')
  await assertAccepted('src/key/mod.rs', '//! Unlike [`crate::store`].\n')
  await assertAccepted('src/key/mod.rs', 'const A: &str = "crate::store \\" crate::store";\n')
})

test('a module without a layer is refused', async () => {
  await assertRefused('src/misc/mod.rs', 'fn f() {}\n', /module misc has no layer/)
})

test('only the binding knows Node.js', async () => {
  await assertAccepted('src/binding/mod.rs', 'use napi_derive::napi;\n#[napi]\nfn f() {}\n')
  await assertRefused('src/store/mod.rs', 'use napi::Result;\n', /only src\/binding/)
  await assertRefused('src/store/mod.rs', '#[napi(js_name = "x")]\n', /only src\/binding/)
})

test('the binding hands out no memory of its own', async () => {
  const taken =
    '#[napi(ts_return_type = "Buffer")]\nfn f(note: Uint8Array) -> BufferSlice<\'e> {}\n'
  await assertAccepted('src/binding/mod.rs', taken)
  const handedOut = /^1: memory of the library in JavaScript/
  await assertRefused('src/binding/mod.rs', 'fn f() -> napi::Result<Buffer> {}\n', handedOut)
  await assertRefused('src/binding/mod.rs', 'fn f() -> Option<Uint8Array> {}\n', handedOut)
})

test('unsafe stands only where it is allowed', async () => {
  await assertAccepted('src/storage/lmdb/env.rs', 'unsafe { f() }\n')
  await assertRefused('src/storage/tree.rs', '// unsafe\nunsafe { f() }\n', /^2: unsafe stands/)
})

test('unfinished code is refused', async () => {
  await assertRefused('src/key/mod.rs', 'fn f() { todo!() }\n', /todo! is left/)
  await assertRefused('src/key/mod.rs', 'fn f() { dbg!(1); }\n', /dbg! is left/)
  await assertRefused('lib/a.js', '// TODO: later\n', /unfinished mark/)
  await assertAccepted('lib/a.js', "const word = 'MASTODON'\n")
})

test('long files and wide lines are refused', async () => {
  await assertAccepted('lib/a.js', 'a\n'.repeat(600))
  await assertRefused('lib/a.js', 'a\n'.repeat(601), /longer than 600 lines/)
  await assertAccepted('src/key/mod.rs', `//${'ä'.repeat(98)}\n`)
  await assertRefused('src/key/mod.rs', `//${'ä'.repeat(99)}\n`, /wider than 100 columns/)
})

test('absolute paths of one machine are refused', async () => {
  await assertRefused('docs/a.md', 'see /home/ada/lodestore\n', /absolute path/)
  await assertRefused('lib/a.js', "const a = 'C:\\Users\\ada'\n", /absolute path/)
  await assertAccepted('docs/a.md', 'https://example.org/home/ada and ./home/x\n')
})

test('the generated binding is loaded in one place', async () => {
  await assertAccepted('lib/binding.js', "require('../binding.js')\n")
  await assertAccepted('lib/store.js', "require('./binding')\n")
  await assertAccepted('lib/codec/read.js', "require('../binding')\n")
  await assertRefused('lib/store.js', "require('../binding.js')\n", /only lib\/binding\.js/)
  await assertRefused('lib/codec/read.js', "require('../../binding.js')\n", /only lib\/binding\.js/)
  await assertRefused('index.js', "require('./binding')\n", /only lib\/binding\.js/)
})

test('lock files name no host but the crate registry', async () => {
  const index = 'source = "registry+https://github.com/rust-lang/crates.io-index"\n'
  await assertAccepted('Cargo.lock', index)
  await assertRefused('Cargo.lock', 'source = "git+https://example.org/x"\n', /download host/)
  const resolved = '  "resolved": "https://registry.example.org/a.tgz",\n'
  await assertRefused('package-lock.json', resolved, /download host/)
})
