/** Runs an application that was written for browsers, with Dexie, on a database on disk. */

import { configure } from 'lodestore/indexeddb'
// Before Dexie is loaded: that is when it looks for IndexedDB.
import 'lodestore/indexeddb/auto'
import { run } from './friends.mjs'

configure({ path: './data/dexie' })
await run()
