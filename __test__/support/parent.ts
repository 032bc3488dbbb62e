/** What a program started by `Child` uses to talk with the test. */

import { writeSync } from 'node:fs'
import { Socket } from 'node:net'
import { createInterface } from 'node:readline'

/** Says a value to the test. It has left this process when the call returns. */
export function say(value: unknown): void {
  let bytes = Buffer.from(`${JSON.stringify(value)}\n`)
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(writeSync(3, bytes))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
    }
  }
}

const lines: string[] = []
const waiting: ((line: string) => void)[] = []
let listening: ReturnType<typeof createInterface> | undefined
let input: Pick<NodeJS.ReadStream, 'ref' | 'unref'>

function listen(): ReturnType<typeof createInterface> {
  // The stream that Deno has for it keeps the process alive for good.
  const stream = process.stdin.unref === undefined ? new Socket({ fd: 0 }) : process.stdin
  input = stream
  return createInterface({ input: stream }).on('line', (line) => {
    const resolve = waiting.shift()
    if (resolve === undefined) lines.push(line)
    else resolve(line)
    if (waiting.length === 0) input.unref()
  })
}

/** The next value that the test says. Keeps the process alive only while it waits. */
export async function heard<T = any>(): Promise<T> {
  listening ??= listen()
  if (lines.length > 0) return JSON.parse(lines.shift()!)
  input.ref()
  return JSON.parse(await new Promise<string>((resolve) => waiting.push(resolve)))
}
