/** What a program started by `Child` uses to talk with the test. */

import { writeSync } from 'node:fs'
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

/** The next value that the test says. Keeps the process alive only while it waits. */
export async function heard<T = any>(): Promise<T> {
  listening ??= createInterface({ input: process.stdin }).on('line', (line) => {
    const resolve = waiting.shift()
    if (resolve === undefined) lines.push(line)
    else resolve(line)
    if (waiting.length === 0) process.stdin.unref?.()
  })
  if (lines.length > 0) return JSON.parse(lines.shift()!)
  process.stdin.ref?.()
  return JSON.parse(await new Promise<string>((resolve) => waiting.push(resolve)))
}
