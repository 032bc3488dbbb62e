/** Programs of tests that run in a process of their own. */

import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { quickTypeScriptArgs, typeScriptArgs } from './runtime'

const root = join(__dirname, '..', '..')

/** How a process ended. */
export interface Ended {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

/** Options of `start`. */
export interface StartOptions {
  /** Arguments of Node.js itself. */
  nodeArgs?: string[]
  env?: Record<string, string>
  /** Whether the file is plain JavaScript, which starts sooner. */
  plain?: boolean
  /** A program, with arguments, that starts Node.js: `ulimit`, `unshare` and their like. */
  wrapper?: string[]
  /** Whether the program imports no TypeScript by `import()`, and so starts in half the time. */
  quick?: boolean
}

/** A program of a test, started; it says lines of JSON on its file descriptor 3 (see `say`). */
export class Child {
  readonly process: ChildProcess
  /** Settles when the process has ended and all it said was read. */
  readonly ended: Promise<Ended>
  private readonly said: unknown[] = []
  private readonly waiting: ((value: IteratorResult<unknown>) => void)[] = []
  private finished = false
  /** Whether it was `kill` that ended it. */
  wasKilled = false

  /** Starts a file, given by its absolute path. */
  constructor(file: string, args: string[] = [], options: StartOptions = {}) {
    const { nodeArgs = [], env = {}, wrapper = [], plain = false, quick = false } = options
    const loader = plain ? [] : quick ? quickTypeScriptArgs : typeScriptArgs
    const command = [...wrapper, process.execPath, ...nodeArgs, ...loader, file, ...args]
    const stdio: StdioOptions = ['pipe', 'pipe', 'pipe', 'pipe']
    this.process = spawn(command[0]!, command.slice(1), {
      cwd: root,
      stdio,
      env: { ...process.env, ...env },
    })
    const texts = ['', '']
    for (const [i, stream] of [this.process.stdout!, this.process.stderr!].entries()) {
      stream.setEncoding('utf8').on('data', (text: string) => (texts[i] += text))
    }
    const lines = createInterface({ input: this.process.stdio[3] as NodeJS.ReadableStream })
    lines.on('line', (line) => this.hear(line))
    // The child may be gone when something is said to it.
    this.process.stdin!.on('error', () => {})
    const closed = once(lines, 'close')
    this.ended = once(this.process, 'close').then(async ([code, signal]) => {
      await closed
      this.finished = true
      for (const resolve of this.waiting.splice(0)) resolve({ value: undefined, done: true })
      return { code, signal, stdout: texts[0]!, stderr: texts[1]! } as Ended
    })
  }

  /** The next thing the program says. Rejects if it ends instead. */
  async next<T = any>(): Promise<T> {
    const { value, done } = await this.take()
    if (!done) return value as T
    const { code, signal, stdout, stderr } = await this.ended
    throw new Error(`the program ended (${signal ?? code}): ${stdout}${stderr}`)
  }

  /** The next thing the program says; undefined if it ends instead. */
  async nextOrEnd<T = any>(): Promise<T | undefined> {
    return (await this.take()).value as T | undefined
  }

  /** All it says from now on until it ends. */
  async rest<T = any>(): Promise<T[]> {
    await this.ended
    return this.said.splice(0) as T[]
  }

  /** Says something to the program; see `heard`. */
  say(value: unknown): void {
    this.process.stdin!.write(`${JSON.stringify(value)}\n`)
  }

  /**
   * Sends a signal, unless the process has ended. In Deno, `kill` of a child works once and takes
   * the signal for what ends it.
   */
  signal(signal: NodeJS.Signals): void {
    if (this.isRunning) process.kill(this.process.pid!, signal)
  }

  private get isRunning(): boolean {
    const { exitCode, signalCode } = this.process
    return exitCode === null && signalCode === null
  }

  /** Ends the process at once. */
  async kill(): Promise<Ended> {
    if (this.isRunning) this.wasKilled = this.process.kill('SIGKILL')
    return this.ended
  }

  private hear(line: string): void {
    let value: unknown
    try {
      value = JSON.parse(line)
    } catch {
      // A process that is killed may leave half a line.
      return
    }
    const resolve = this.waiting.shift()
    if (resolve === undefined) this.said.push(value)
    else resolve({ value, done: false })
  }

  private take(): Promise<IteratorResult<unknown>> {
    if (this.said.length > 0) return Promise.resolve({ value: this.said.shift(), done: false })
    if (this.finished) return Promise.resolve({ value: undefined, done: true })
    return new Promise((resolve) => this.waiting.push(resolve))
  }
}

/** Runs a program to its end. */
export async function runChild(
  file: string,
  args: string[] = [],
  options: StartOptions = {},
): Promise<Ended & { said: any[] }> {
  const child = new Child(file, args, options)
  child.process.stdin!.end()
  const ended = await child.ended
  return { ...ended, said: await child.rest() }
}
