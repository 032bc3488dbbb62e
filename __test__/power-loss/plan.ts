/**
 * What a recorded program does, step by step: known in advance from a seed, so that whoever looks
 * at a state of the disk knows what may be in it.
 *
 * Every step that changes documents also writes its number into the document 'serial', in the same
 * commit: so a state tells after which step it was.
 */

import { Random } from '../support/random'

export type Durability = 'strict' | 'relaxed' | 'none'

/** What the database is opened with. */
export const STORES = {
  docs: {
    keyPath: 'id',
    indexes: {
      byNumber: { on: ['group', '-n'] },
      byTag: { on: 'tags', multiEntry: true },
      byUnique: { on: 'u', unique: true },
    },
  },
  large: { keyPath: 'id', compression: 'zstd', indexes: { bySize: { on: 'size' } } },
  scratch: { autoIncrement: true, indexes: { byPad: { on: 'pad' } } },
} as const

/** Indexes on `docs` that come and go. */
export const PASSING = { passingN: 'n', passingPad: ['pad', '-group'] } as const

export type PassingName = keyof typeof PASSING

interface Change {
  store: 'docs' | 'large' | 'scratch'
  put?: any
  /** For `scratch`, whose generator gives the keys, they are told in advance. */
  key?: number
  delete?: string | number
  clear?: true
}

export type Step =
  | { kind: 'batch'; changes: Change[] }
  /** Several writes that are issued in one turn, in this order, in one commit or more. */
  | { kind: 'together'; changes: Change[] }
  /** Several writes, each of which is awaited before the next one. */
  | { kind: 'inTurn'; changes: Change[] }
  | { kind: 'transaction'; changes: Change[]; durability?: 'strict' | 'relaxed'; undone: Change[] }
  | { kind: 'rollback'; changes: Change[] }
  | { kind: 'createIndex' | 'deleteIndex'; name: PassingName }
  | { kind: 'flush' | 'reopen' | 'compact' | 'backup' }

const KEYS = 120
const TEXT = 'power failures tear pages and reorder writes; what was acknowledged stays. '

class Planner {
  readonly steps: Step[] = []
  private made = 0
  private readonly indexes = new Set<PassingName>()
  private uniques = 0

  constructor(private readonly random: Random) {}

  private doc(): Change {
    const { random } = this
    const id = `key ${random.below(KEYS)}`
    const tags = Array.from({ length: random.below(4) }, () => random.below(10))
    const put: any = { id, group: random.below(5), n: random.below(1_000), tags }
    if (random.chance(0.5)) put.u = this.uniques++
    if (random.chance(0.3)) put.pad = TEXT.repeat(random.below(10))
    return { store: 'docs', put }
  }

  private change(): Change {
    const { random } = this
    return random.weighted<() => Change>([
      [6, () => this.doc()],
      [2, () => ({ store: 'docs', delete: `key ${random.below(KEYS)}` })],
      [2, () => this.largeDocument()],
      [1, () => ({ store: 'large', delete: random.below(6) })],
    ])()
  }

  private largeDocument(): Change {
    const { random } = this
    const id = random.below(6)
    const size = random.pick([100, 3_000, 5_000, 20_000, 60_000])
    const start = random.below(1_000)
    // Half of them do not compress.
    const step = random.pick([1, 73])
    const body = new Uint8Array(size)
    for (let i = 0; i < size; i++) body[i] = (start + i * step + ((i * i) >> 3)) % 251
    return { store: 'large', put: { id, size, body } }
  }

  private fill(): Change[] {
    return Array.from({ length: 40 }, () => {
      const key = ++this.made
      return { store: 'scratch', put: { pad: `${key} ${TEXT.slice(0, key % 60)}` }, key } as Change
    })
  }

  private changes(most: number): Change[] {
    return Array.from({ length: this.random.between(1, most) }, () => this.change())
  }

  private docs(most: number): Change[] {
    return Array.from({ length: this.random.between(1, most) }, () => this.doc())
  }

  /** Makes an index if it is not there, else deletes it. */
  private passing(): Step {
    const name = this.random.pick(Object.keys(PASSING) as PassingName[])
    if (this.indexes.delete(name)) return { kind: 'deleteIndex', name }
    this.indexes.add(name)
    return { kind: 'createIndex', name }
  }

  next(): Step {
    const { random } = this
    const durability = (): { durability?: 'strict' | 'relaxed' } =>
      random.chance(0.3) ? { durability: random.pick(['strict', 'relaxed']) } : {}
    return random.weighted<() => Step>([
      [10, () => ({ kind: 'batch', changes: this.docs(6) })],
      [3, () => ({ kind: 'together', changes: this.docs(8) })],
      [4, () => ({ kind: 'inTurn', changes: this.docs(12) })],
      [
        8,
        () => {
          const undone = random.chance(0.3) ? this.changes(4) : []
          return { kind: 'transaction', changes: this.changes(8), undone, ...durability() }
        },
      ],
      [1, () => ({ kind: 'rollback', changes: this.changes(8) })],
      [2, () => ({ kind: 'transaction', changes: this.fill(), undone: [], ...durability() })],
      [
        2,
        () => ({
          kind: 'transaction',
          changes: [{ store: 'scratch', clear: true }],
          undone: [],
          ...durability(),
        }),
      ],
      [2, () => this.passing()],
      [1, () => ({ kind: 'flush' })],
      [1, () => ({ kind: 'reopen' })],
      [0.7, () => ({ kind: 'compact' })],
      [0.7, () => ({ kind: 'backup' })],
    ])()
  }
}

/** The steps of a seed. */
export function plan(seed: number, count: number): Step[] {
  const planner = new Planner(new Random(seed))
  return Array.from({ length: count }, () => planner.next())
}

/** What is in the database after some of the steps. */
export class Model {
  readonly stores = {
    docs: new Map<any, any>(),
    large: new Map<any, any>(),
    scratch: new Map<any, any>(),
  }
  readonly indexes = new Set<PassingName>()
  serial = 0

  copy(): Model {
    const copy = new Model()
    for (const name of ['docs', 'large', 'scratch'] as const) {
      for (const [key, value] of this.stores[name]) copy.stores[name].set(key, value)
    }
    for (const name of this.indexes) copy.indexes.add(name)
    copy.serial = this.serial
    return copy
  }

  apply(changes: readonly Change[]): void {
    this.change(changes)
    this.serial++
    this.stores.docs.set('serial', serialDocument(this.serial))
  }

  /** Part of what a step does. */
  change(changes: readonly Change[]): void {
    for (const { store, put, key, delete: removed, clear } of changes) {
      if (put !== undefined) this.stores[store].set(key ?? put.id, put)
      if (removed !== undefined) this.stores[store].delete(removed)
      if (clear) this.stores[store].clear()
    }
  }
}

export function serialDocument(serial: number): any {
  return { id: 'serial', serial }
}

/** The states that a step may leave when it is interrupted, the complete one last. */
export function states(before: Model, step: Step): Model[] {
  const after = before.copy()
  switch (step.kind) {
    case 'batch':
    case 'transaction':
      after.apply(step.changes)
      return [after]
    case 'together':
    case 'inTurn': {
      const partial = step.changes.map((change) => {
        after.change([change])
        return after.copy()
      })
      after.apply([])
      return [...partial, after]
    }
    case 'createIndex':
      after.indexes.add(step.name)
      return [after]
    case 'deleteIndex':
      after.indexes.delete(step.name)
      return [after]
    default:
      return [after]
  }
}
