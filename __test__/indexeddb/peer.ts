/** A program that has databases open and does as it is told, in its own process or thread. */

import { inspect } from 'node:util'
import { isMainThread, parentPort, workerData } from 'node:worker_threads'
import { configure, indexedDB } from 'lodestore/indexeddb'
import * as parent from '../support/parent'
import { completed, resultOf } from './requests'

const say = (value: unknown) => (isMainThread ? parent.say(value) : parentPort!.postMessage(value))
const told = (event: string, { oldVersion, newVersion }: any) =>
  say({ event, versions: [oldVersion, newVersion] })

/** The newest connection. */
let db: any

/** What an upgrade does; it leaves the store `s` in place, with the index `by`. */
const upgrades: Record<string, (request: any) => void> = {
  plain(request) {
    if (request.result.objectStoreNames.contains('s')) return
    request.result.createObjectStore('s').createIndex('by', 'group')
  },

  /** Makes the store `t`, too. */
  two(request) {
    for (const name of ['s', 't']) request.result.createObjectStore(name)
  },

  /** Leaves nothing but a store that is named for the version. */
  named({ result }) {
    for (const name of result.objectStoreNames) result.deleteObjectStore(name)
    result.createObjectStore(`version ${result.version}`)
  },

  /** Changes everything, and then takes it back. */
  undone(request) {
    upgrades.named!(request)
    request.transaction.abort()
  },

  /** Changes everything that there is, and ends. */
  everything({ result, transaction }) {
    const store = transaction.objectStore('s')
    store.deleteIndex('by')
    store.clear()
    store.put('new', 'new')
    store.name = 'renamed'
    result.deleteObjectStore('other')
    const made = result.createObjectStore('made', { autoIncrement: true })
    made.createIndex('n', 'n')
    for (let n = 0; n < 500; n++) made.put({ n })
  },

  /** Changes everything that there is, says so, and never comes to an end. */
  endless(request) {
    const { result, transaction } = request
    if (result.objectStoreNames.contains('s')) {
      transaction.objectStore('s').deleteIndex('by')
      transaction.objectStore('s').clear()
      transaction.objectStore('s').name = 'renamed'
    }
    const store = result.createObjectStore('made', { autoIncrement: true })
    store.createIndex('n', 'n')
    for (let n = 0; n < 500; n++) store.put({ n })
    let turns = 0
    const goOn = () => {
      if (turns++ === 20) say({ event: 'upgrading' })
      store.put({ n: turns }).onsuccess = goOn
    }
    goOn()
  },
}

const orders: Record<string, (...args: any[]) => unknown> = {
  async open(name: string, version: number | null = null, options: any = {}) {
    const { upgrade = 'plain', closes = false } = options
    const request: any = indexedDB.open(name, version ?? undefined)
    request.onblocked = (event: any) => told('blocked', event)
    request.onupgradeneeded = (event: any) => {
      told('upgradeneeded', event)
      upgrades[upgrade]!(request)
    }
    const opened = await resultOf(request)
    opened.onversionchange = (event: any) => {
      told('versionchange', event)
      if (closes) opened.close()
    }
    db = opened
    return { version: db.version, stores: [...db.objectStoreNames] }
  },

  close: () => db?.close(),

  async remove(name: string) {
    const request: any = indexedDB.deleteDatabase(name)
    request.onblocked = (event: any) => told('blocked', event)
    await resultOf(request)
  },

  databases: () => indexedDB.databases(),

  async put(key: unknown, value: unknown) {
    const tx = db.transaction('s', 'readwrite')
    tx.objectStore('s').put(value, key)
    await completed(tx)
  },

  get: (key: unknown) => resultOf(db.transaction('s').objectStore('s').get(key)),

  count: () => resultOf(db.transaction('s').objectStore('s').index('by').count()),

  /** Adds one to a number, each time in a transaction of its own; gives how often. */
  async increment(stores: string[], key: unknown, times: number) {
    let done = 0
    const add = async (name: string) => {
      const tx = db.transaction(name, 'readwrite')
      const store = tx.objectStore(name)
      const request = store.get(key)
      request.onsuccess = () => store.put((request.result ?? 0) + 1, key)
      await completed(tx)
      done++
    }
    for (let i = 0; i < times; i++) await Promise.all(stores.map(add))
    return done
  },

  /** Leaves a transaction open that has written. */
  hold() {
    const store = db.transaction('s', 'readwrite').objectStore('s')
    const goOn = () => {
      store.put('held', 'held').onsuccess = goOn
    }
    goOn()
    return resultOf(store.get('held'))
  },
}

async function execute({ id, order, args }: any): Promise<void> {
  try {
    say({ id, result: (await orders[order]!(...args)) ?? null })
  } catch (error) {
    const { name, message, cause } = error as Error
    const detail = cause === undefined ? '' : ` (${inspect(cause)})`
    say({ id, failure: { name, message: message + detail } })
  }
}

async function listenToParent(): Promise<void> {
  for (;;) {
    const message = await parent.heard()
    if (message === 'end') break
    // What is told to it next may be what this waits for.
    void execute(message)
  }
}

configure({ path: isMainThread ? process.argv[2]! : workerData.path, durability: 'relaxed' })
if (isMainThread) {
  void listenToParent()
} else {
  parentPort!.on('message', (message) => {
    if (message !== 'end') void execute(message)
    // Deno has no way to stop listening.
    else if (parentPort!.close === undefined) process.exit()
    else parentPort!.close()
  })
}
say({ event: 'ready' })
