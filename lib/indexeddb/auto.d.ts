/**
 * Installs `indexedDB`, `IDBKeyRange` and the other interfaces as globals. Their types are those of
 * TypeScript's `lib.dom`, or of `lodestore/indexeddb`.
 */
export type * from './index'
