/** What one user of a database does with what all share, and what it sees on the way. */

import { collect } from '../support/database'
import type { Random } from '../support/random'
import { now } from './clock'
import type { Report, Seen } from './history'

/** The stores that all users share. */
export const STORES = {
  registers: { keyPath: 'id', indexes: { byValue: { on: 'value' } } },
  history: { keyPath: 'sequence' },
  claims: { keyPath: 'n', key: 'sequence' },
  single: {},
} as const

const REGISTERS = ['a', 'b', 'c', 'd', 'e', 'f']
const SEQUENCE = '#'

class Undone extends Error {}

async function undone(run: () => Promise<unknown>): Promise<void> {
  try {
    await run()
  } catch (error) {
    if (!(error instanceof Undone)) throw error
  }
}

/** One of several users of a database. */
export class Contender {
  readonly report: Report = { transactions: [], reads: [], numbers: [] }
  private version = 0
  private values = 0

  constructor(
    private readonly db: any,
    private readonly random: Random,
    private readonly name: string,
    private readonly names: readonly string[],
  ) {}

  /** Does something. */
  async step(): Promise<void> {
    const kind = this.random.weighted([
      [5, 'transaction'],
      [1, 'rolledBack'],
      [4, 'read'],
      [2, 'claim'],
      [2, 'publish'],
      [4, 'look'],
    ] as const)
    await this[kind]()
  }

  async transaction(): Promise<void> {
    const start = now()
    const sequence = await this.db.transaction((tx: any) => this.change(tx))
    this.report.transactions.push({ start, end: now(), sequence, by: this.name })
  }

  async rolledBack(): Promise<void> {
    await undone(() =>
      this.db.transaction(async (tx: any) => {
        await this.change(tx)
        throw new Undone()
      }),
    )
  }

  /** Reads and writes some registers, and writes down which. @returns the number of the change */
  private async change(tx: any): Promise<number> {
    const { random } = this
    const registers = tx.store('registers')
    const sequence = ((await registers.get(SEQUENCE))?.value ?? 0) + 1
    const chosen = REGISTERS.filter(() => random.chance(0.4))
    const found = await (random.chance(0.5)
      ? registers.getMany(chosen)
      : Promise.all(chosen.map((id) => registers.get(id))))
    const reads = chosen.map((id, i) => [id, found[i]?.value ?? null])
    if (random.chance(0.2)) {
      await undone(() =>
        tx.savepoint(async (inner: any) => {
          await inner.store('registers').put({ id: random.pick(REGISTERS), value: 'undone' })
          throw new Undone()
        }),
      )
    }
    const writes = REGISTERS.filter(() => random.chance(0.3)).map((id) => [id, this.newValue()])
    const write = async (scope: any): Promise<void> => {
      for (const [id, value] of writes) void scope.store('registers').put({ id, value })
      await scope.store('registers').put({ id: SEQUENCE, value: sequence })
    }
    await (random.chance(0.3) ? tx.savepoint(write) : write(tx))
    await tx.store('history').add({ sequence, by: this.name, reads, writes })
    return sequence
  }

  private newValue(): string {
    return `${this.name} ${this.values++}`
  }

  /** Reads all registers, in one of the ways that see one state. */
  async read(): Promise<void> {
    const how = this.random.pick(['getAll', 'range', 'getMany', 'byValue', 'snapshot', 'readonly'])
    const start = now()
    const rows = await this.readAll(how)
    const end = now()
    const sequence: number = rows.find(({ id }) => id === SEQUENCE)?.value ?? 0
    const values: Seen['values'] = rows
      .filter(({ id }) => id !== SEQUENCE)
      .map(({ id, value }) => [id, value])
    this.report.reads.push({ start, end, how, sequence, values })
  }

  private async readAll(how: string): Promise<any[]> {
    const { db, random } = this
    const registers = db.store('registers')
    switch (how) {
      case 'getAll':
        return registers.getAll()
      case 'range':
        return collect(registers.range({ reverse: true }))
      case 'getMany': {
        const found = await registers.getMany([...REGISTERS, SEQUENCE])
        return found.filter((row: unknown) => row !== undefined)
      }
      case 'byValue':
        return registers.index('byValue').getAll()
      case 'snapshot': {
        const snapshot = await db.snapshot()
        const rows: any[] = await snapshot.store('registers').getAll()
        // What is written meanwhile is not seen.
        if (random.chance(0.3)) await this.transaction()
        const cursor = snapshot.store('registers').openCursor()
        const again: any[] = []
        while (await cursor.next()) again.push(cursor.value)
        await cursor.close()
        snapshot.close()
        if (JSON.stringify(again) !== JSON.stringify(rows)) throw new Error('a snapshot changed')
        return rows
      }
      default:
        return db.transaction(
          async (tx: any) => {
            const [first, second] = [REGISTERS.slice(0, 3), [...REGISTERS.slice(3), SEQUENCE]]
            const rows = [
              ...(await tx.store('registers').getMany(first)),
              ...(await tx.store('registers').getMany(second)),
            ]
            return rows.filter((row: unknown) => row !== undefined)
          },
          { mode: 'readonly' },
        )
    }
  }

  /** Generated keys are in the order of real time. */
  async claim(): Promise<void> {
    const start = now()
    const number: number = await this.db.store('claims').add({ by: this.name })
    const end = now()
    this.report.numbers.push({ start, end, register: 'claims', number, isRead: false })
  }

  /** Makes a number larger that only this user writes. */
  async publish(): Promise<void> {
    const number = ++this.version
    const start = now()
    await this.db.store('single').put({ number }, this.name)
    const end = now()
    this.report.numbers.push({ start, end, register: this.name, number, isRead: false })
  }

  /** Looks at such a number of somebody. */
  async look(): Promise<void> {
    const register = this.random.pick(this.names)
    const single = this.db.store('single')
    const start = now()
    const found = this.random.chance(0.5) ? single.getSync(register) : await single.get(register)
    const end = now()
    const number: number = found?.number ?? 0
    this.report.numbers.push({ start, end, register, number, isRead: true })
  }
}
