import { documentAt } from '../dataset.mjs'
import { checkDocument } from './check.mjs'

/** Opens an existing database and reads one document; the module is loaded already. */
async function openAndGet({ peer, path, encrypted, count }) {
  const id = count >>> 1
  const start = performance.now()
  const db = await peer.open(path, { durability: 'default', encrypted })
  const document = await db.get(id)
  const elapsed = performance.now() - start
  checkDocument(db, document, documentAt(id))
  await db.close()
  return elapsed
}

export const openExisting = {
  name: 'open',
  title: 'open and first get, fresh process',
  unit: 'ms',
  needs: [],
  grows: true,
  note: 'the module is loaded already; the files are in the page cache',
  run: openAndGet,
}

export const moduleLoad = {
  name: 'moduleLoad',
  title: 'load the module, fresh process',
  unit: 'ms',
  needs: [],
  run: ({ moduleTime }) => moduleTime,
}
