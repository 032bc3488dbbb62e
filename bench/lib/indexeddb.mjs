/** Promises of what IndexedDB tells by events. */

const STORE = 'docs'

/** The result of a request. */
export function resultOf(request) {
  return new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result))
    request.addEventListener('error', () => reject(request.error))
  })
}

/** Settles when a transaction has ended. */
export function completed(transaction) {
  return new Promise((resolve, reject) => {
    transaction.addEventListener('complete', () => resolve())
    transaction.addEventListener('abort', () => reject(transaction.error ?? new Error('aborted')))
  })
}

/** The documents of an IndexedDB database, with the same indexes as all peers have. */
export class IndexedDb {
  /**
   * @param {{ indexedDB: IDBFactory, IDBKeyRange: typeof IDBKeyRange }} scope
   * @param {IDBTransactionDurability} durability
   */
  static async open({ indexedDB, IDBKeyRange }, durability) {
    const request = indexedDB.open('bench', 1)
    request.addEventListener('upgradeneeded', () => {
      const store = request.result.createObjectStore(STORE, { keyPath: 'id' })
      store.createIndex('byCity', 'city')
      store.createIndex('byScore', 'score')
    })
    return new IndexedDb(await resultOf(request), IDBKeyRange, durability)
  }

  constructor(db, IDBKeyRange, durability) {
    this.db = db
    this.IDBKeyRange = IDBKeyRange
    this.durability = durability
  }

  /** The store in a new transaction that reads. */
  read() {
    return this.db.transaction(STORE).objectStore(STORE)
  }

  /** The store in a new transaction that writes. */
  write() {
    const { durability } = this
    return this.db.transaction(STORE, 'readwrite', { durability }).objectStore(STORE)
  }

  get(id) {
    return resultOf(this.read().get(id))
  }

  count() {
    return resultOf(this.read().count())
  }

  findByCity(city) {
    return resultOf(this.read().index('byCity').getAll(city))
  }

  findFromScore(least, limit) {
    const scores = this.IDBKeyRange.lowerBound(least)
    return resultOf(this.read().index('byScore').getAll(scores, limit))
  }

  close() {
    this.db.close()
  }
}
