/** A database in memory: stores by name. States are shared until they are changed. */

import { Refusal, StoreModel, type StoreOptions } from './store'

/** A state of a database, with transactions as copies. */
export class DatabaseModel {
  private stores = new Map<string, StoreModel>()
  /** The stores that only this state has, which may be changed in place. */
  private own = new Set<StoreModel>()

  /** A state that is changed apart from this one. */
  copy(): DatabaseModel {
    const copy = new DatabaseModel()
    copy.stores = new Map(this.stores)
    this.own = new Set()
    return copy
  }

  /** Takes the state of a copy over. */
  become(other: DatabaseModel): void {
    this.stores = other.stores
    this.own = other.own
  }

  get storeNames(): string[] {
    return [...this.stores.keys()].toSorted()
  }

  /** A store to read from. @throws {Refusal} STORE_NOT_FOUND */
  store(name: string): StoreModel {
    const store = this.stores.get(name)
    if (store === undefined) throw new Refusal('STORE_NOT_FOUND')
    return store
  }

  /** Changes a store: wholly, or not at all if the change is refused. */
  change<T>(name: string, change: (store: StoreModel) => T, canFailMidway = false): T {
    const store = this.store(name)
    if (this.own.has(store) && !canFailMidway) return change(store)
    const copy = store.copy()
    const result = change(copy)
    this.own.add(copy)
    this.stores.set(name, copy)
    return result
  }

  createStore(name: string, options: StoreOptions): void {
    if (this.stores.has(name)) throw new Refusal('STORE_EXISTS')
    const store = new StoreModel(options)
    this.own.add(store)
    this.stores.set(name, store)
  }

  deleteStore(name: string): void {
    this.store(name)
    this.stores.delete(name)
  }

  renameStore(name: string, newName: string): void {
    const store = this.store(name)
    if (name === newName) return
    if (this.stores.has(newName)) throw new Refusal('STORE_EXISTS')
    this.stores.delete(name)
    this.stores.set(newName, store)
  }
}
