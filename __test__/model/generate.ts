/** Random operations: concrete ones, chosen with a look at the state that the model is in. */

import type { Random } from '../support/random'
import type { DatabaseModel } from './database'
import type { Key } from './keys'
import type {
  CursorMove,
  CursorRun,
  ManyRows,
  Read,
  SchemaChange,
  Step,
  TopStep,
  Write,
} from './operations'
import type { ReadOptions } from './queries'
import { carrying } from './reads'
import type { IndexOptions, StoreModel, StoreOptions } from './store'
import { INDEXES, STORES, Targets } from './targets'
import { RandomValues } from './values'

const MANY_ROWS: readonly ManyRows[] = ['getAll', 'getAllKeys', 'range', 'keys', 'entries']
const DIRECTIONS = ['next', 'nextunique', 'prev', 'prevunique'] as const

/** Stores are kept near this size; now and then one grows beyond what one answer holds. */
const USUAL_ROWS = 150
const MANY_DOCUMENTS = 3_000

const INDEXED: readonly (string | string[])[] = [
  'a',
  '-a',
  'b',
  'tags',
  'tags',
  'n.x',
  '-n.x',
  'u',
  'u',
  'long',
  'never',
  ['a', 'b'],
  ['-a', 'b'],
  ['a', '-u'],
  ['b', '-a', 'n.x'],
  ['-u'],
  ['tags', 'a'],
  ['long', '-b'],
]

/** How many databases a run uses: the root and its spaces. */
export const SPACES = 3

/** Makes the steps of a run. */
export class Generator {
  private readonly values: RandomValues
  private readonly targets: Targets

  constructor(private readonly random: Random) {
    this.values = new RandomValues(random)
    this.targets = new Targets(random, this.values)
  }

  /** A step, for databases in these states. */
  topStep(models: readonly DatabaseModel[]): TopStep {
    const { random } = this
    const space = random.weighted([
      [8, 0],
      [1, 1],
      [1, 2],
    ])
    const model = models[space]!
    const handle = random.chance(0.25) ? 1 : 0
    if (model.storeNames.length === 0) {
      return { space, handle, step: { do: 'schema', change: this.createStore() } }
    }
    const kind = random.weighted([
      [300, 'step'],
      [60, 'transaction'],
      [8, 'takeSnapshot'],
      [20, 'readSnapshot'],
      [4, 'verify'],
      [1, 'reopen'],
      [0.3, 'compact'],
      [0.3, 'backup'],
      [0.2, 'deleteSpace'],
    ] as const)
    switch (kind) {
      case 'transaction':
        return { space, handle, step: this.transaction(model) }
      case 'takeSnapshot':
        return { do: 'takeSnapshot', space, handle }
      case 'readSnapshot':
        return { do: 'readSnapshot', reads: this.reads(model, true) }
      case 'verify':
        return { space, handle, step: { do: 'verify' } }
      case 'reopen':
        return { do: 'reopen', durability: random.pick(['relaxed', 'none']) }
      case 'compact':
        return { do: 'compact', space }
      case 'backup':
        return { do: 'backup', space }
      case 'deleteSpace':
        return { do: 'deleteSpace', space: random.between(1, SPACES - 1) }
      default:
        return { space, handle, step: this.plainStep(model, false) }
    }
  }

  private plainStep(model: DatabaseModel, inTransaction: boolean): Step {
    const { random } = this
    if (model.storeNames.length === 0) return { do: 'schema', change: this.createStore() }
    const kind = random.weighted([
      [60, 'writes'],
      [60, 'reads'],
      [4, 'schema'],
    ] as const)
    if (kind === 'writes') return { do: 'writes', writes: this.writes(model) }
    if (kind === 'reads') return { do: 'reads', reads: this.reads(model, inTransaction) }
    return { do: 'schema', change: this.schemaChange(model, inTransaction) }
  }

  /** Steps inside a transaction are made before it begins, so they may miss their targets. */
  private transaction(model: DatabaseModel): Step {
    const { random } = this
    const steps = random.chance(0.1) ? this.undone(model) : this.steps(model, 0)
    const changesSchema = JSON.stringify(steps.map(kindsOf)).includes('schema')
    return {
      do: 'transaction',
      steps,
      commits: random.chance(0.7),
      byHand: random.chance(0.3),
      ambient: random.chance(0.3),
      meanwhile: !changesSchema && random.chance(0.2) ? this.writes(model) : [],
    }
  }

  private steps(model: DatabaseModel, depth: number): Step[] {
    const { random } = this
    return random.list(random.between(1, 5 - depth), () => {
      if (random.chance(depth < 3 ? 0.25 : 0)) {
        return {
          do: 'savepoint',
          steps: this.steps(model, depth + 1),
          commits: random.chance(0.6),
          nested: random.chance(0.3),
        }
      }
      return random.chance(0.05) ? { do: 'verify' } : this.plainStep(model, true)
    })
  }

  /** The last documents of a store go in a savepoint that is undone, and are written again. */
  private undone(model: DatabaseModel): Step[] {
    const { random } = this
    const name = random.pick(model.storeNames)
    const store = model.store(name)
    const keys = store.rows.slice(-random.between(1, 3)).map(({ key }) => key)
    if (keys.length === 0) return this.steps(model, 0)
    const { keyPath } = store.options
    const again = keys.map((key): Write => {
      const value = carrying(this.values.document(), keyPath, key)
      const kind = random.pick(['put', 'add'] as const)
      return { do: kind, store: name, value, ...(keyPath === undefined && { key }) }
    })
    const deletes = keys.map((key): Write => ({ do: 'delete', store: name, key }))
    const others = random.list(random.below(4), () => this.write(model))
    const writes = [...deletes, ...others, ...(random.chance(0.3) ? again : [])]
    const elsewhere = this.writes(model).filter((write) => write.store !== name)
    return [
      { do: 'writes', writes: elsewhere },
      {
        do: 'savepoint',
        steps: [{ do: 'writes', writes }],
        commits: false,
        nested: random.chance(0.5),
      },
      { do: 'writes', writes: again },
      { do: 'verify' },
    ]
  }

  private createStore(): SchemaChange {
    const { random } = this
    const options: StoreOptions = random.weighted<StoreOptions>([
      [3, {}],
      [2, { autoIncrement: true }],
      [1, { key: 'uuidv7' }],
      [4, { keyPath: 'id' }],
      [3, { keyPath: 'id', autoIncrement: true }],
      [1, { keyPath: 'id', key: 'uuidv7' }],
      [2, { keyPath: 'meta.id', autoIncrement: true }],
      [2, { keyPath: ['id', 'k'] }],
    ])
    if (random.chance(0.3)) options.compression = random.pick(['none', 'lz4', 'zstd'])
    return { do: 'createStore', name: random.pick(STORES), options }
  }

  private schemaChange(model: DatabaseModel, inTransaction: boolean): SchemaChange {
    const { random } = this
    const name = this.targets.storeName(model)
    const kind = random.weighted([
      [3, 'createStore'],
      [1, 'deleteStore'],
      [1, 'renameStore'],
      [12, 'createIndex'],
      [4, 'deleteIndex'],
      [2, 'renameIndex'],
    ] as const)
    switch (kind) {
      case 'createStore':
        return this.createStore()
      case 'deleteStore':
        return { do: kind, name }
      case 'renameStore':
        return { do: kind, name, newName: random.pick(STORES) }
      case 'deleteIndex':
        return { do: kind, store: name, name: this.targets.indexName(model, name) }
      case 'renameIndex': {
        const newName = random.pick(INDEXES)
        return { do: kind, store: name, name: this.targets.indexName(model, name), newName }
      }
    }
    const on = random.pick(INDEXED)
    const options: IndexOptions = {}
    if (typeof on === 'string' && random.chance(on === 'tags' ? 0.7 : 0.2))
      options.multiEntry = true
    if (random.chance(String(on).includes('u') ? 0.5 : 0.08)) options.unique = true
    if (random.chance(0.25)) options.sparse = true
    // Which of two documents a build that is under way refuses depends on how far it is.
    const during = !inTransaction && !options.unique && random.chance(0.4)
    return {
      do: 'createIndex',
      store: name,
      name: random.pick(INDEXES),
      on,
      options,
      during: during ? this.writes(model).filter((write) => write.store === name) : [],
    }
  }

  private writes(model: DatabaseModel): Write[] {
    const { random } = this
    const length = random.weighted([
      [3, 1],
      [6, random.between(2, 12)],
      [1, random.between(12, 40)],
    ])
    return random.list(length, () => this.write(model))
  }

  private write(model: DatabaseModel): Write {
    const { random } = this
    const name = this.targets.storeName(model)
    const store = model.storeNames.includes(name) ? model.store(name) : undefined
    const crowded = (store?.rows.length ?? 0) > USUAL_ROWS
    const kind = random.weighted([
      [50, 'put'],
      [25, 'add'],
      [8, 'putMany'],
      [crowded ? 25 : 15, 'delete'],
      [crowded ? 3 : 0.7, 'deleteRange'],
      [crowded ? 6 : 2, 'deleteMany'],
      [crowded ? 0.4 : 0.1, 'clear'],
    ] as const)
    switch (kind) {
      case 'put':
      case 'add': {
        const [key, value] = this.item(store, random.chance(0.02))
        return key === undefined
          ? { do: kind, store: name, value }
          : { do: kind, store: name, value, key }
      }
      case 'putMany': {
        const atomic = random.chance(0.6)
        const many = random.chance(0.02) && !crowded
        const length = many ? random.between(300, MANY_DOCUMENTS) : random.between(0, 20)
        if (many && random.chance(0.5)) return this.longKeys(name, store)
        const items = random.list(length, () => this.item(store, !atomic && random.chance(0.05)))
        return { do: kind, store: name, items, atomic }
      }
      case 'delete':
        return { do: kind, store: name, key: this.targets.keyFor(store) }
      case 'deleteRange':
        return { do: kind, store: name, query: this.targets.deletedRange(store) }
      case 'deleteMany':
        return {
          do: kind,
          store: name,
          keys: random.list(random.below(12), () => this.targets.keyFor(store)),
        }
      case 'clear':
        return { do: kind, store: name }
    }
  }

  /** So many long keys that begin alike that they take more than one piece, or few again. */
  private longKeys(name: string, store: StoreModel | undefined): Write {
    const { random, values } = this
    if (random.chance(0.4)) {
      return { do: 'deleteMany', store: name, keys: random.list(300, () => values.manyLong()) }
    }
    const { keyPath } = store?.options ?? {}
    const items = random.list(random.between(20, 120), (): [Key | undefined, any] => {
      const key = values.manyLong()
      const value = { ...values.document(), long: values.manyLong() }
      if (keyPath === undefined) return [key, value]
      if (Array.isArray(keyPath)) return [undefined, { ...value, id: key, k: 1 }]
      return [undefined, keyPath === 'id' ? { ...value, id: key } : { ...value, meta: { id: key } }]
    })
    return { do: 'putMany', store: name, items, atomic: random.chance(0.6) }
  }

  /** A document, and its key if it has to be given. */
  private item(store: StoreModel | undefined, invalid: boolean): [Key | undefined, any] {
    const { random, values } = this
    const value = values.document()
    const { keyPath, autoIncrement, key } = store?.options ?? {}
    const generated = (autoIncrement || key !== undefined) && random.chance(0.6)
    const chosen =
      autoIncrement && random.chance(0.8) ? random.below(200) : this.targets.keyFor(store)
    if (keyPath === undefined) {
      if (invalid) return [values.notAKey() as Key, value]
      return [generated ? undefined : chosen, value]
    }
    if (invalid && random.chance(0.3)) return [1, value]
    const field = invalid ? values.notAKey() : chosen
    if (Array.isArray(keyPath)) {
      const parts = Array.isArray(field) && field.length === 2 ? field : [field, values.key()]
      return [undefined, { ...value, id: parts[0], k: parts[1] }]
    }
    if (keyPath === 'meta.id') {
      if (generated) return [undefined, random.chance(0.5) ? value : { ...value, meta: { m: 1 } }]
      return [undefined, { ...value, meta: { id: field } }]
    }
    return [undefined, generated ? value : { ...value, id: field }]
  }

  private reads(model: DatabaseModel, pinned: boolean): Read[] {
    const { random } = this
    return random.list(random.between(1, 6), () => this.read(model, pinned))
  }

  private read(model: DatabaseModel, pinned: boolean): Read {
    const { random } = this
    const name = this.targets.storeName(model)
    const store = model.storeNames.includes(name) ? model.store(name) : undefined
    const kind = random.weighted([
      [20, 'get'],
      [10, 'getMany'],
      [5, 'has'],
      [10, 'first'],
      [6, 'getKey'],
      [12, 'count'],
      [40, 'rows'],
      [15, 'cursor'],
      [2, 'definition'],
    ] as const)
    switch (kind) {
      case 'get':
        return {
          do: pinned || random.chance(0.6) ? 'get' : 'getSync',
          store: name,
          key: this.targets.keyFor(store),
        }
      case 'has':
        return { do: 'has', store: name, key: this.targets.keyFor(store) }
      case 'getMany': {
        const length = random.chance(0.05) ? random.between(100, 1500) : random.below(10)
        return {
          do: 'getMany',
          store: name,
          keys: random.list(length, () => this.targets.keyFor(store)),
        }
      }
      case 'definition':
        return { do: 'definition', store: name }
      case 'cursor':
        return this.cursor(model, name, store)
    }
    const index = this.targets.someIndex(model, name)
    const query = this.targets.query(store, index)
    const at = index === undefined ? {} : { index }
    if (kind === 'first') {
      return index === undefined
        ? { do: 'getKey', store: name, query }
        : { do: 'first', store: name, index, query }
    }
    if (kind === 'getKey' || kind === 'count') return { do: kind, store: name, ...at, query }
    const method = random.pick(MANY_ROWS)
    const options: ReadOptions = {}
    if (random.chance(0.4)) options.reverse = true
    if (random.chance(0.4)) options.limit = random.below(random.pick([3, 20, 600]))
    if (random.chance(0.2)) options.offset = random.below(random.pick([3, 20, 600]))
    if (index !== undefined && random.chance(0.25)) options.unique = true
    const together = query.form === 'bounds' && random.chance(0.5)
    return { do: method, store: name, ...at, query, options, together }
  }

  private cursor(model: DatabaseModel, name: string, store: StoreModel | undefined): CursorRun {
    const { random, values } = this
    const index = this.targets.someIndex(model, name)
    const direction = random.pick(DIRECTIONS)
    const definition = index === undefined ? undefined : store?.indexes.get(index)
    const point = (): CursorMove => {
      if (definition === undefined) return { do: 'seek', key: this.targets.keyFor(store) }
      const { entries, compound } = definition
      if (entries.length === 0 || random.chance(0.3)) {
        const key = definition.parts.map(() => values.indexed())
        const some = random.chance(0.8) ? key : key.slice(0, random.between(0, key.length))
        return { do: 'seek', key: compound ? some : key[0]! }
      }
      const { components, primaryKey } = random.pick(entries)
      const key = compound ? components : components[0]!
      const exact = !direction.endsWith('unique') && random.chance(0.5)
      return exact ? { do: 'seek', key, primaryKey } : { do: 'seek', key }
    }
    const moves = random.list(random.between(1, 12), (): CursorMove => {
      const kind = random.weighted([
        [20, 'next'],
        [4, 'seek'],
        [1, 'update'],
        [1, 'delete'],
      ] as const)
      if (kind === 'seek') return point()
      return kind === 'update' ? { do: kind, value: values.document() } : { do: kind }
    })
    const at = index === undefined ? {} : { index }
    const query = random.chance(0.5)
      ? { form: 'everything' as const }
      : this.targets.query(store, index)
    return { do: 'cursor', store: name, ...at, query, direction, values: random.chance(0.7), moves }
  }
}

/** What steps do, those inside of them included. */
function kindsOf(step: Step): unknown {
  return 'steps' in step ? step.steps.map(kindsOf) : step.do
}
