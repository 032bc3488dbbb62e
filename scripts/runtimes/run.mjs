/** Runs files of tests in a runtime, each in a process of its own. */

import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { root } from '../lib/common.mjs'
import { countTests } from './results.mjs'
import { directory, testCommand } from './runtimes.mjs'

/** A test that takes longer hangs. */
const TEST_TIMEOUT_MS = 600_000

/** A file that takes longer hangs, and is ended with all that it started. */
const FILE_TIMEOUT_MS = 900_000

/** Where the output of a file's tests is kept, if they fail. */
const logOf = (runtime, file) =>
  join(directory, 'logs', runtime.name, `${file.replaceAll('/', '_')}.log`)

/** Runs a program in a group of processes of its own. */
function runProcess(program, args, env) {
  return new Promise((resolve) => {
    const detached = process.platform !== 'win32'
    const stdio = ['ignore', 'pipe', 'pipe']
    const child = spawn(program, args, { cwd: root, env, stdio, detached })
    const output = []
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (d) => output.push(d))
    const end = () => (detached ? process.kill(-child.pid, 'SIGKILL') : child.kill())
    const timer = setTimeout(() => {
      output.push(Buffer.from(`\nended after ${FILE_TIMEOUT_MS / 1000} s\n`))
      end()
    }, FILE_TIMEOUT_MS)
    const settle = (status) => {
      clearTimeout(timer)
      resolve({ status, output: Buffer.concat(output).toString() })
    }
    child.on('error', (error) => {
      output.push(Buffer.from(`${error.message}\n`))
      settle(null)
    })
    child.on('close', settle)
  })
}

/**
 * Runs one file.
 *
 * @returns {Promise<import('./results.mjs').Counts & { log?: string }>} `log` is where the output
 *   of a file that failed is
 */
async function runFile(runtime, program, file, environment, folder) {
  const report = join(folder, `${file.replaceAll('/', '_')}.xml`)
  const { args, env } = testCommand(runtime, file, report, TEST_TIMEOUT_MS)
  const { status, output } = await runProcess(program, args, {
    ...process.env,
    ...environment,
    ...env,
    NO_COLOR: '1',
  })
  const xml = existsSync(report) ? readFileSync(report, 'utf8') : ''
  const counts = countTests(runtime.kind, xml)
  const isEmpty = counts.passed + counts.failed + counts.skipped === 0
  // A process may crash when its tests have passed, or before it has any.
  if (isEmpty || (status !== 0 && counts.failed === 0)) counts.failed += 1
  if (counts.failed === 0) return counts
  const log = logOf(runtime, file)
  mkdirSync(dirname(log), { recursive: true })
  writeFileSync(log, output)
  return { ...counts, log }
}

/**
 * Runs files of tests, as many at once as there are processors.
 *
 * @param {import('./runtimes.mjs').Runtime} runtime
 * @param {string} program
 * @param {string[]} files
 * @param {Record<string, string>} environment
 * @returns {Promise<Map<string, import('./results.mjs').Counts>>} by file
 */
export async function runFiles(runtime, program, files, environment) {
  rmSync(join(directory, 'logs', runtime.name), { recursive: true, force: true })
  const folder = mkdtempSync(join(tmpdir(), 'lodestore-runtimes-'))
  const results = new Map()
  const waiting = [...files]
  const work = async () => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      const counts = await runFile(runtime, program, file, environment, folder)
      results.set(file, counts)
      if (counts.failed > 0) console.log(`FAIL ${runtime.name} ${file}: see ${counts.log}`)
    }
  }
  try {
    await Promise.all(Array.from({ length: availableParallelism() }, work))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  return results
}
