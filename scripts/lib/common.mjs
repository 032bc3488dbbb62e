/** What every script needs: where the checkout is, how to run a program, how to fail. */

import { spawnSync } from 'node:child_process'
import { readFileSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')

/** The JSON file at a path inside the checkout. */
export function readJson(...path) {
  return JSON.parse(readFileSync(join(root, ...path), 'utf8'))
}

/** A failure that its message explains; `main` prints it without a stack. */
export class Failure extends Error {}

/**
 * Runs a program in the checkout and waits for it.
 *
 * @param {string} command program name or path
 * @param {string[]} args
 * @param {import('node:child_process').SpawnSyncOptions} [options]
 * @returns {import('node:child_process').SpawnSyncReturns<string>}
 * @throws {Failure} when the program is missing or exits with another status than 0
 */
export function run(command, args, options = {}) {
  const result = attempt(command, args, { stdio: 'inherit', ...options })
  if (result.error) throw new Failure(`${command} could not be started: ${result.error.message}`)
  if (result.status !== 0) {
    if (result.stderr) process.stderr.write(result.stderr)
    const how = result.signal ? `was ended by ${result.signal}` : `exited with ${result.status}`
    const words = [command, ...args].join(' ')
    throw new Failure(`\`${words.length > 100 ? `${words.slice(0, 99)}…` : words}\` ${how}`)
  }
  return result
}

/** Like `run`, with the outcome returned instead of thrown, and the output kept. */
export function attempt(command, args, options = {}) {
  return spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    ...options,
  })
}

/** Runs a Node program that an installed package brings, without a shell in between. */
export function runBin(packageName, args, options) {
  const { bin } = readJson('node_modules', packageName, 'package.json')
  const file = typeof bin === 'string' ? bin : Object.values(bin)[0]
  return run(process.execPath, [join(root, 'node_modules', packageName, file), ...args], options)
}

/** The arguments that start npm itself: the npm that runs this script, else the one on the PATH. */
export function npmCommand() {
  const cli = process.env.npm_execpath
  if (cli && /npm-cli\.c?js$/.test(cli))
    return { command: process.execPath, args: [cli], shell: false }
  return { command: 'npm', args: [], shell: process.platform === 'win32' }
}

/** Runs npm and returns what `run` returns. */
export function runNpm(args, options = {}) {
  const npm = npmCommand()
  return run(npm.command, [...npm.args, ...args], { shell: npm.shell, ...options })
}

/** Runs a script's main function; prints a `Failure` as one line and sets the exit code. */
export async function main(body) {
  try {
    await body()
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    console.error(`lodestore: ${error.message}`)
    process.exitCode = 1
  }
}

/** Whether the module at `url` is the program that Node was asked to run. */
export function isMain(url) {
  return process.argv[1] !== undefined && fileURLToPath(url) === realpathSync(process.argv[1])
}
