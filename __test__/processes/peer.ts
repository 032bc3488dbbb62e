import assert from 'node:assert/strict'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { open } from '../../index.js'
import { Child } from '../support/child'
import { temporaryDirectory } from '../support/database'

const PROGRAM = join(__dirname, 'other.ts')

/** The stores of the databases that two processes share. */
export const STORES = {
  s: { keyPath: 'id', indexes: { byFrom: { on: 'from' } } },
  counters: {},
} as const

/** Another process that has the database open, and does as it is told. */
export class Other {
  private readonly child: Child

  constructor(path: string) {
    this.child = new Child(PROGRAM, [path])
  }

  async ready(): Promise<this> {
    await this.child.next()
    return this
  }

  async do(order: string, ...args: unknown[]): Promise<any> {
    this.child.say({ order, args })
    const { result, failure } = await this.child.next()
    if (failure !== undefined) throw Object.assign(new Error(failure.message), failure)
    return result
  }

  signal(signal: NodeJS.Signals): void {
    this.child.signal(signal)
  }

  async end(): Promise<void> {
    this.child.say({ order: 'end', args: [] })
    const { code, stderr } = await this.child.ended
    assert.equal(code, 0, stderr)
  }

  async kill(): Promise<void> {
    await this.child.kill()
  }
}

/** A database that this process and another one have open. */
export async function both(
  t: TestContext,
  options = {},
): Promise<{ db: any; other: Other; path: string }> {
  const path = await temporaryDirectory(t)
  const db = await open(path, { stores: STORES, ...options })
  const other = new Other(path)
  t.after(() => other.kill())
  return { db, other: await other.ready(), path }
}
