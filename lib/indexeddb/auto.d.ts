/**
 * Installs `indexedDB`, `IDBKeyRange` and the other interfaces as globals. Their types are those of
 * TypeScript's `lib.dom`, or of `lodestore/indexeddb`.
 */
// oxlint-disable-next-line unicorn/require-module-specifiers -- a module without exports
export {}
