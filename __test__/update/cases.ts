/** Runs one update on one document. */

import type { TestContext } from 'node:test'
import { temporaryDatabase } from '../support/database'

/** A store with out-of-line keys, and what updates make of documents in it. */
export class Updates {
  private next = 0

  private constructor(readonly store: any) {}

  static async open(t: TestContext): Promise<Updates> {
    const db = await temporaryDatabase(t, { durability: 'none', stores: { docs: {} } })
    return new Updates(db.store('docs'))
  }

  /** What the document becomes; undefined if it is left as it was. */
  async apply(document: unknown, update: unknown, options?: object): Promise<any> {
    const key = this.next++
    await this.store.put(document, key)
    const result = await this.store.update(key, update, options)
    return result.modified === 0 ? undefined : this.store.get(key)
  }
}
