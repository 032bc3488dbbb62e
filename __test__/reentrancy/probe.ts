/** One call, and what became of it. */

import { LodestoreError } from '../../index.js'
import type { Committed, Row } from './rows'

/** A call that takes longer than this hangs. */
const HANGS_MS = 10_000
/** How long a call is given to end where nothing is known about it. */
const UNKNOWN_MS = 300
/** Turns of the writer after which a call that waits for nobody has ended. */
const TURNS = 5

type Settled = { value: unknown } | { error: unknown }

/** Does something in a transaction, which a call may have ended. */
async function tolerant(turn: () => Promise<unknown>): Promise<void> {
  try {
    await turn()
  } catch (error) {
    if (!(error instanceof LodestoreError)) throw error
  }
}

/** Makes one call, and looks at it from outside. */
export class Probe {
  private outcome: Promise<Settled> | null = null
  settled: Settled | null = null

  constructor(
    readonly row: Row,
    /** What the table says; undefined to find it out. */
    readonly expected: string | undefined,
  ) {}

  /** Makes the call. Only the first time: a getter may be asked twice. */
  start(call: () => unknown): void {
    if (this.outcome !== null) return
    let returned: unknown
    try {
      returned = call()
    } catch (error) {
      returned = Promise.reject(error)
    }
    const isPromise = typeof (returned as any)?.then === 'function'
    if (!isPromise) this.settled = { value: returned }
    this.outcome = Promise.resolve(returned).then(
      (value) => (this.settled = { value }),
      (error) => (this.settled = { error }),
    )
  }

  get started(): boolean {
    return this.outcome !== null
  }

  /**
   * Waits for the end of the call, unless it is to wait for what holds it up.
   *
   * @param turn makes the writer do something, so that whatever could go on has gone on
   */
  async waitsFor(turn: () => Promise<unknown>): Promise<boolean> {
    if (this.expected === undefined) await this.within(UNKNOWN_MS)
    else if (!this.expected.startsWith('waits')) await this.within(HANGS_MS)
    for (let i = 0; i < TURNS && this.settled === null; i++) {
      await tolerant(turn)
      await new Promise((resolve) => setImmediate(resolve))
    }
    return this.settled === null
  }

  /** What became of the call. */
  async end(): Promise<Settled> {
    await this.within(HANGS_MS)
    return this.settled ?? { error: new Error('it hangs') }
  }

  private async within(milliseconds: number): Promise<void> {
    let timer: NodeJS.Timeout
    const late = new Promise((resolve) => (timer = setTimeout(resolve, milliseconds)))
    await Promise.race([this.outcome, late]).finally(() => clearTimeout(timer))
  }
}

/**
 * What the table says of a call that has ended: its error, the state that it saw, or that it
 * worked.
 */
export function wordFor(row: Row, settled: Settled, committed: Committed | null): string {
  if ('error' in settled) {
    const { error } = settled
    if (error instanceof LodestoreError) return `\`${error.code}\``
    return `${error instanceof Error ? error.stack : String(error)}`
  }
  if (row.sees !== undefined) return row.sees(settled.value)
  if (row.wrote === undefined || committed === null) return 'ok'
  return row.wrote(committed) ? 'ok' : 'lost'
}
