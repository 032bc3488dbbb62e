// Work on many documents leaves the event loop its turns, and libuv its threads.

import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { promisify } from 'node:util'
import { check } from './check'
import { LIMIT_MS, waitingTime } from './delay'
import { areFast, readTimesDuring } from './read-file'
import { temporaryDirectory } from '../support/database'
import { typeScriptArgs } from '../support/runtime'

const DOCUMENTS = 100_000
const SCRIPT = join(__dirname, '..', '..', 'scripts', 'event-loop.mjs')

/** Runs a program to its end. */
function run(file: string, args: string[]): Promise<any> {
  return promisify(execFile)(file, args).then(
    (output) => ({ ...output, code: 0 }),
    (error) => error,
  )
}

/**
 * Holds all threads that read files, in every runtime: a FIFO that is opened for reading holds its
 * thread until somebody opens it for writing.
 */
async function holdThreads(directory: string, milliseconds: number): Promise<void> {
  const fifos = Array.from({ length: 64 }, (_, i) => join(directory, `${i}`))
  execFileSync('mkfifo', fifos)
  const held = Promise.all(fifos.map(async (fifo) => (await open(fifo)).close()))
  await setTimeout(milliseconds)
  const writers = fifos.map((fifo) => openSync(fifo, 'r+'))
  await held
  for (const writer of writers) closeSync(writer)
}

test('the longest waits are found among the turns', () => {
  assert.equal(waitingTime([10], 0.99).toFixed(2), '9.90')
  // One stop of 100 ms in a second: a tenth of all moments lie in it.
  const gaps = [...Array.from({ length: 900 }, () => 1), 100]
  assert.equal(waitingTime(gaps, 0.99).toFixed(2), '90.00')
  assert.ok(waitingTime([...gaps, 100, 100], 0.99) < 100)
  assert.ok(waitingTime(gaps, 0.5) <= 1)
})

test('work that blocks the event loop is found out', async () => {
  // By what it computes: on a machine that is busy otherwise, it must compute as long.
  const block = (milliseconds: number): void => {
    const begun = process.cpuUsage()
    while (process.cpuUsage(begun).user < milliseconds * 1000);
  }
  const blocking = async (): Promise<void> => {
    for (let i = 0; i < 20; i++) {
      block(i % 10 === 9 ? 3 * LIMIT_MS : 0.2)
      await setTimeout(1)
    }
  }
  const { verdict, delays } = await check({ name: 'blocking', run: blocking }, Infinity)
  assert.equal(verdict, 'TOO LONG', JSON.stringify(delays))
})

const noFifos = process.platform === 'win32' && 'nothing there holds a thread until it is let go'

test('work that takes all threads of libuv is found out', { skip: noFifos }, async (t) => {
  const directory = await temporaryDirectory(t)
  const times = await readTimesDuring(__filename, holdThreads(directory, 500))
  assert.equal(areFast(times, true), false, JSON.stringify(times))
})

// In a process of its own, since the test runner watches every promise of this one.
test(`the event loop goes on turning: ${DOCUMENTS} documents`, async (t) => {
  const args = [...typeScriptArgs, SCRIPT, '--docs', String(DOCUMENTS)]
  const { stdout, stderr, code } = await run(process.execPath, args)
  for (const line of stdout.trimEnd().split('\n')) t.diagnostic(line)
  assert.equal(code, 0, stderr)
})
