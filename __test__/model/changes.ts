/** Writes and changes of the schema: how they are made on the database and on the model. */

import type { DatabaseModel } from './database'
import type { Key } from './keys'
import type { SchemaChange, Write } from './operations'
import { compare, expect, type Outcome } from './outcome'
import { argumentOf } from './queries'
import { Refusal } from './store'

/** Whether a write takes its place among others by the order of the calls. */
export function isSimple(write: Write): boolean {
  return write.do !== 'putMany' && write.do !== 'deleteMany'
}

/** Begins a write; what it needs of the catalog is looked up at once. */
export function start(scope: any, write: Write): Promise<unknown> {
  const store = scope.store(write.store)
  switch (write.do) {
    case 'put':
    case 'add':
      return write.key === undefined
        ? store[write.do](write.value)
        : store[write.do](write.value, write.key)
    case 'putMany': {
      const { items, atomic } = write
      const entries = items.length > 0 && items.every(([key]) => key !== undefined)
      const documents = entries ? items : items.map(([, value]) => value)
      return store.putMany(documents, { atomic, entries })
    }
    case 'delete':
      return store.delete(write.key)
    case 'deleteRange':
      return store.delete(argumentOf(write.query))
    case 'deleteMany':
      return store.deleteMany(write.keys)
    case 'clear':
      return store.clear()
  }
}

/** Applies a write to the model; `actual` tells it keys that only the database can make. */
function applyWrite(model: DatabaseModel, write: Write, actual: Outcome): unknown {
  const made = 'value' in actual ? actual.value : undefined
  return model.change(
    write.store,
    (store) => {
      switch (write.do) {
        case 'put':
        case 'add':
          return store.put(write.value, write.key, write.do === 'add', made as Key)
        case 'delete':
          return store.delete(write.key)
        case 'deleteRange':
          return store.deleteRange(write.query)
        case 'deleteMany':
          return write.keys.reduce((sum: number, key) => sum + store.delete(key), 0)
        case 'clear':
          return store.clear()
        case 'putMany': {
          const all = write.items.every(([key]) => key !== undefined)
          const given = (key: Key | undefined): Key | undefined => (all ? key : undefined)
          if (write.atomic) {
            const keys = (made ?? []) as Key[]
            return write.items.map(([key, value], i) =>
              store.put(value, given(key), false, keys[i]),
            )
          }
          const known = (made as { keys: Key[] } | undefined)?.keys ?? []
          const result = { keys: [] as (Key | undefined)[], errors: [] as unknown[] }
          for (const [i, [key, value]] of write.items.entries()) {
            try {
              result.keys.push(store.put(value, given(key), false, known[i]))
            } catch (error) {
              if (!(error instanceof Refusal)) throw error
              result.keys.push(undefined)
              result.errors.push({ at: i, code: error.code })
            }
          }
          return result
        }
      }
    },
    write.do === 'putMany' && write.atomic,
  )
}

export function compareWrite(
  model: DatabaseModel,
  write: Write,
  actual: Outcome,
  when: string,
): void {
  const expected = expect(() => applyWrite(model, write, actual))
  if (write.do === 'putMany' && !write.atomic && 'value' in actual) {
    const { keys, errors } = actual.value as {
      keys: unknown[]
      errors: { at: number; code: string }[]
    }
    actual = { value: { keys, errors: errors.map(({ at, code }) => ({ at, code })) } }
  }
  compare(expected, actual, write, when)
}

export function changeSchema(scope: any, change: SchemaChange): Promise<unknown> {
  switch (change.do) {
    case 'createStore':
      return scope.createObjectStore(change.name, change.options).then(() => undefined)
    case 'deleteStore':
      return scope.deleteObjectStore(change.name)
    case 'renameStore':
      return scope.renameObjectStore(change.name, change.newName)
    case 'createIndex':
      return scope.createIndex(change.store, change.name, change.on, change.options)
    case 'deleteIndex':
      return scope.deleteIndex(change.store, change.name)
    case 'renameIndex':
      return scope.renameIndex(change.store, change.name, change.newName)
  }
}

export function changeModel(model: DatabaseModel, change: SchemaChange): void {
  switch (change.do) {
    case 'createStore':
      return model.createStore(change.name, change.options)
    case 'deleteStore':
      return model.deleteStore(change.name)
    case 'renameStore':
      return model.renameStore(change.name, change.newName)
  }
  model.change(change.store, (store) => {
    if (change.do === 'createIndex')
      return store.createIndex(change.name, change.on, change.options)
    const index = store.index(change.name)
    if (change.do === 'renameIndex') {
      if (change.newName === change.name) return
      if (store.indexes.has(change.newName)) throw new Refusal('INDEX_EXISTS')
      store.indexes.set(change.newName, index)
    }
    store.indexes.delete(change.name)
  })
}
