import { IDBKeyRange, indexedDB } from 'fake-indexeddb'

export default {
  name: 'fake-indexeddb',
  title: 'fake-indexeddb (memory)',
  package: 'fake-indexeddb',
  durability: { default: 'in memory', strict: 'in memory', relaxed: 'in memory' },
  openScope: async () => ({ indexedDB, IDBKeyRange }),
}
