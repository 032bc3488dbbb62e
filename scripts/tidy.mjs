/** Checks the house rules that no other tool knows: sizes, layers, marks, paths, lock files. */

import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, posix } from 'node:path'
import { Failure, isMain, main, root, run } from './lib/common.mjs'

const MAX_LINES = 600
const MAX_COLUMNS = 100

/**
 * The layers of the crate: a module may use those of its own rank and below. A new top-level module
 * takes its place here.
 */
const RANK_OF_MODULE = new Map([
  ['error', 0],
  ['fault', 0],
  ['test_random', 0],
  ['wtf8', 0],
  ['key', 0],
  ['collation', 0],
  ['value', 0],
  ['seal', 0],
  ['sorter', 0.2],
  ['vector', 0.2],
  ['query', 0.3],
  ['update', 0.6],
  ['storage', 1],
  ['catalog', 2],
  ['store', 3],
  ['changes', 4],
  ['execution', 4],
  ['protocol', 5],
  ['binding', 6],
])

/** Where `unsafe` may stand: the LMDB calls, calls of the operating system, the Node.js edge. */
const UNSAFE_AREAS = [
  'src/storage/lmdb/',
  'src/storage/platform/',
  'src/binding/',
  // The signal that ends a process of the crash test.
  'src/fault.rs',
  // Functions for processors that have AVX2.
  'src/vector/distance.rs',
  'src/vector/kernel/',
  // The vector library hands vectors over as pointers.
  // The calls that open and resize an environment, whose conditions only their callers know.
  'src/storage/copy.rs',
  'src/storage/environment.rs',
  // Pages of a state that only the lock of the journal keeps.
  'src/storage/journal/mod.rs',
  'src/storage/open.rs',
  'src/storage/txn.rs',
]

const SOURCE = /\.(rs|js|mjs|cjs|ts)$/
const GENERATED = new Set(['binding.js', 'binding.d.ts', 'package-lock.json', 'Cargo.lock'])

const MARKS = /\b(TODO|FIXME|XXX)\b/
const UNFINISHED = /\b(todo|unimplemented|dbg)!/g
const MACHINE_PATH = /(?<![\w.~-])\/(home|Users|root|work)\/|[A-Z]:\\Users\\/

/** The files that must spell out what they forbid. */
const OWN_FILES = new Set(['scripts/tidy.mjs', '__test__/packaging/tidy.test.ts'])

/** Text of a Rust file without comments and without what stands in string literals. */
function rustCode(text) {
  const comments = /\/\/[^\n]*|\/\*[\s\S]*?\*\//
  const strings = /r(#*)"[\s\S]*?"\1|"(?:\\[\s\S]|[^"\\])*"|'(?:\\[^\n]|[^'\\\n])'/
  const either = new RegExp(`${strings.source}|${comments.source}`, 'g')
  return text.replace(either, (found) => found.replaceAll(/[^\n]/g, ' '))
}

const lineOf = (text, index) => text.slice(0, index).split('\n').length

/** The top-level modules of the crate that a file names, each with its place. */
function* usedModules(path, code) {
  for (const { 1: name, index } of code.matchAll(/\bcrate::(\w+)/g)) yield { name, index }
  // use crate::{a::b, c}: what stands at the top level of the braces.
  for (const { 0: head, index } of code.matchAll(/\bcrate::\{/g)) {
    let depth = 1
    let atStart = true
    for (let at = index + head.length; depth > 0 && at < code.length; at += 1) {
      const [name] = /^\w*/.exec(code.slice(at, at + 64))
      if (depth === 1 && atStart && name !== '') yield { name, index: at }
      if (name !== '') at += name.length - 1
      if (code[at] === '{') depth += 1
      if (code[at] === '}') depth -= 1
      if (!/\s/.test(code[at])) atStart = code[at] === ','
    }
  }
  // super:: as often as the file lies deep leads to the top level, too.
  const modules = path
    .replace(/^src\//, '')
    .replace(/(\/mod)?\.rs$/, '')
    .split('/')
  for (const { 0: chain, 1: name, index } of code.matchAll(/\b(?:super::)+(\w+)/g)) {
    if (chain.split('super::').length - 1 >= modules.length) yield { name, index }
  }
}

function* checkLayers(path, code) {
  const own = /^src\/(\w+)/.exec(path)?.[1]
  if (own === undefined || own === 'lib') return
  const rank = RANK_OF_MODULE.get(own)
  if (rank === undefined) {
    yield [1, `module ${own} has no layer yet: give it one in scripts/tidy.mjs`]
    return
  }
  for (const { name, index } of usedModules(path, code)) {
    const used = RANK_OF_MODULE.get(name)
    if (used > rank) yield [lineOf(code, index), `${own} must not use ${name}, a layer above it`]
  }
  if (own === 'binding') {
    yield* checkBinding(code)
    return
  }
  for (const { index } of code.matchAll(/\b(napi|napi_derive)::|#\[napi\b|\buse napi\b/g)) {
    yield [lineOf(code, index), 'only src/binding/ may know Node.js']
  }
}

/** Electron ends a process whose JavaScript is handed memory of a native library. */
function* checkBinding(code) {
  for (const { index } of code.matchAll(/\bBuffer\b|->[^{;]*\bUint8Array\b/g)) {
    yield [lineOf(code, index), 'memory of the library in JavaScript: use BufferSlice::copy_from']
  }
}

function* checkRust(path, text) {
  const code = rustCode(text)
  if (path.startsWith('src/')) {
    yield* checkLayers(path, code)
    if (!UNSAFE_AREAS.some((area) => path.startsWith(area))) {
      for (const { index } of code.matchAll(/\bunsafe\b/g)) {
        yield [lineOf(code, index), `unsafe stands only in ${UNSAFE_AREAS.join(', ')}`]
      }
    }
  }
  for (const { 0: macro, index } of code.matchAll(UNFINISHED)) {
    yield [lineOf(code, index), `${macro} is left in the code`]
  }
}

function* checkJavaScript(path, text) {
  if (path === 'lib/binding.js' || !/^(lib\/|index\.js$)/.test(path)) return
  for (const { 1: specifier, index } of text.matchAll(/['"`](\.[^'"`\n]*)['"`]/g)) {
    if (!/^binding(\.js)?$/.test(posix.join(posix.dirname(path), specifier))) continue
    yield [lineOf(text, index), 'only lib/binding.js may load the generated binding.js']
  }
}

function* checkLines(path, text) {
  const lines = text.split('\n')
  if (/^(src|lib|scripts)\//.test(path) && lines.length - 1 > MAX_LINES) {
    yield [lines.length - 1, `longer than ${MAX_LINES} lines: split it by concept`]
  }
  for (const [index, line] of lines.entries()) {
    // A link cannot be broken.
    if ([...line].length > MAX_COLUMNS && !/https?:\/\/\S{40}/.test(line)) {
      yield [index + 1, `wider than ${MAX_COLUMNS} columns`]
    }
    if (MARKS.test(line) && !OWN_FILES.has(path)) yield [index + 1, 'an unfinished mark is left']
  }
}

function* checkPaths(text) {
  for (const [index, line] of text.split('\n').entries()) {
    if (MACHINE_PATH.test(line) || line.includes(root) || line.includes(homedir() + '/')) {
      yield [index + 1, 'an absolute path of one machine']
    }
  }
}

function* checkLock(path, text) {
  const pattern = path === 'Cargo.lock' ? /^source = "(.*)"/ : /"resolved": "(.*)"/
  for (const [index, line] of text.split('\n').entries()) {
    const source = pattern.exec(line)?.[1]
    if (source === undefined) continue
    if (source === 'registry+https://github.com/rust-lang/crates.io-index') continue
    yield [index + 1, `names the download host ${source}`]
  }
}

/**
 * Checks one file.
 *
 * @param {string} path from the root of the checkout, with `/`
 * @param {string} text
 * @returns {[line: number, message: string][]}
 */
export function checkFile(path, text) {
  const isLock = /(^|\/)(package-lock\.json|Cargo\.lock)$/.test(path)
  if (isLock) return [...checkLock(path, text)]
  if (GENERATED.has(path)) return []
  const problems = OWN_FILES.has(path) ? [] : [...checkPaths(text)]
  if (SOURCE.test(path)) problems.push(...checkLines(path, text))
  if (path.endsWith('.rs')) problems.push(...checkRust(path, text))
  if (/\.[cm]?js$/.test(path)) problems.push(...checkJavaScript(path, text))
  return problems
}

/** The files of the checkout that are, or may come, under version control. */
function sourceFiles() {
  const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--deduplicate']
  const { stdout } = run('git', args, { stdio: ['ignore', 'pipe', 'inherit'] })
  return stdout.split('\0').filter((path) => /\.(\w*[a-z])$|Cargo\.lock$/.test(path))
}

/** The text of a file; undefined when it is binary, or deleted without git knowing yet. */
function readText(path) {
  if (!existsSync(join(root, path))) return undefined
  const content = readFileSync(join(root, path))
  return content.includes(0) ? undefined : content.toString()
}

if (isMain(import.meta.url)) {
  await main(() => {
    let count = 0
    for (const path of sourceFiles()) {
      const text = readText(path)
      if (text === undefined) continue
      for (const [line, message] of checkFile(path, text)) {
        console.error(`${path}:${line}: ${message}`)
        count += 1
      }
    }
    if (count > 0) throw new Failure(`${count} places break the house rules`)
  })
}
