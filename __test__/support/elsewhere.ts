/** Work that a test has done in worker threads and in other processes, by programs that `serve`. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { Child } from './child'
import type { Outcome } from './serve'

/** Runs TypeScript in worker threads. */
const THREAD = join(__dirname, 'thread.mjs')

/** Has a program, given by its absolute path, do its work in a thread. @throws what it threw */
export async function inThread<T>(program: string, order: unknown): Promise<T> {
  const worker = new Worker(THREAD, { workerData: { file: program, order }, execArgv: [] })
  const [outcome] = await once(worker, 'message')
  await worker.terminate()
  return resultOf(outcome)
}

/** Has a program, given by its absolute path, do its work in a process. @throws what it threw */
export async function inProcess<T>(program: string, order: unknown): Promise<T> {
  const child = new Child(program, [], { quick: true })
  child.say(order)
  try {
    const outcome = await child.next<Outcome<T>>()
    child.process.stdin!.end()
    const { code, signal, stderr } = await child.ended
    assert.equal(code, 0, `${signal} ${stderr}`)
    return resultOf(outcome)
  } finally {
    child.process.kill('SIGKILL')
  }
}

function resultOf<T>({ result, failure }: Outcome<T>): T {
  assert.equal(failure, undefined, failure)
  return result as T
}
