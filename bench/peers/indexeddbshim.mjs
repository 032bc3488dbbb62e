import setGlobalVars from 'indexeddbshim'

/** SQLite indexes for those of IndexedDB, and more rows at a time for cursors than by default. */
const FASTEST = { useSQLiteIndexes: true, cursorPreloadPackSize: 1000 }

const SYNCED = "fsync at each commit, SQLite's rollback journal"

export default {
  name: 'indexeddbshim',
  title: 'indexeddbshim (SQLite)',
  package: 'indexeddbshim',
  durability: { default: SYNCED, strict: SYNCED, relaxed: SYNCED },
  async openScope(path) {
    const places = { databaseBasePath: path, sysDatabaseBasePath: path }
    return setGlobalVars({}, { checkOrigin: false, ...places, ...FASTEST })
  },
}
