/** The JavaScript runtimes that the tests run with, and how they run a test. */

import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { readJson, root } from '../lib/common.mjs'

/** The manifest that pins every version. */
export const manifestDirectory = join(root, 'scripts', 'runtimes')

/** Where the runtimes are installed. */
export const directory = join(root, '.cache', 'runtimes')

/**
 * @typedef {object} Runtime
 * @property {string} name of its row, and what `--only` takes
 * @property {string} package its key in the manifest
 * @property {'node' | 'bun' | 'deno'} kind
 * @property {boolean} [restricted] as processes of Electron are; see restrict.mjs
 */

/** @type {readonly Runtime[]} */
export const RUNTIMES = [
  { name: 'node-20', package: 'node-20', kind: 'node' },
  { name: 'node-22', package: 'node-22', kind: 'node' },
  { name: 'node-24', package: 'node-24', kind: 'node' },
  { name: 'node-26', package: 'node-26', kind: 'node' },
  { name: 'restricted', package: 'node-24', kind: 'node', restricted: true },
  { name: 'bun', package: 'bun', kind: 'bun' },
  { name: 'deno', package: 'deno', kind: 'deno' },
]

/** The version of a runtime that the manifest pins. */
export function versionOf({ package: name }) {
  const { dependencies, optionalDependencies } = readJson('scripts', 'runtimes', 'package.json')
  const wanted = { ...dependencies, ...optionalDependencies }[name]
  return wanted.slice(wanted.lastIndexOf('@') + 1)
}

/** The program of a runtime; undefined where its package has none for this platform. */
export function programOf({ package: name, kind }) {
  const modules = join(directory, 'node_modules')
  const extension = process.platform === 'win32' ? '.exe' : ''
  if (kind === 'node') return existing(join(modules, name, 'bin', `node${extension}`))
  // npm installs the one package of the scope that fits this platform.
  const scope = join(modules, kind === 'bun' ? '@oven' : '@deno')
  const [found] = existsSync(scope) ? readdirSync(scope) : []
  if (found === undefined) return undefined
  return existing(join(scope, found, kind === 'bun' ? 'bin' : '', `${kind}${extension}`))
}

const existing = (path) => (existsSync(path) ? path : undefined)

/**
 * How one file of tests is run.
 *
 * @param {Runtime} runtime
 * @param {string} file
 * @param {string} report where the results go, in JUnit's format
 * @param {number} timeout of one test, in milliseconds
 * @returns {{ args: string[], env: Record<string, string> }}
 */
export function testCommand({ kind }, file, report, timeout) {
  if (kind === 'bun') {
    const reporter = ['--reporter=junit', `--reporter-outfile=${report}`]
    return { args: ['test', `--timeout=${timeout}`, ...reporter, `./${file}`], env: {} }
  }
  if (kind === 'deno') {
    const flags = ['-A', '--no-check', '--node-modules-dir=manual', `--junit-path=${report}`]
    const loader = 'scripts/runtimes/load.cjs'
    return { args: ['test', ...flags, loader], env: { LODESTORE_TEST_FILE: file } }
  }
  const reporters = [
    ...['--test-reporter=junit', `--test-reporter-destination=${report}`],
    ...['--test-reporter=spec', '--test-reporter-destination=stdout'],
  ]
  const args = ['--import=tsx', '--test', ...reporters, `--test-timeout=${timeout}`, file]
  return { args, env: {} }
}
