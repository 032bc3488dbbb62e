import { phases } from '../phases'
import './navigator'
import assert from 'node:assert/strict'

const PouchDB = require('pouchdb-core')
  .plugin(require('pouchdb-adapter-indexeddb'))
  .plugin(require('pouchdb-mapreduce'))
  .plugin(require('pouchdb-find'))

const open = () => new PouchDB('notes', { adapter: 'indexeddb' })

const COUNT = 100
const ATTACHMENT = Buffer.from('bytes \0 of an attachment')

const byTopic = {
  _id: '_design/notes',
  views: {
    byTopic: {
      map: 'function (doc) { if (doc.topic) emit(doc.topic, doc.size) }',
      reduce: '_sum',
    },
  },
}

async function create(): Promise<void> {
  const db = open()
  const notes = Array.from({ length: COUNT }, (_, i) => ({
    _id: `note ${String(i).padStart(3, '0')}`,
    topic: `topic ${i % 4}`,
    size: i,
  }))
  for (const { ok } of await db.bulkDocs(notes)) assert.equal(ok, true)
  await db.put(byTopic)
  const first = await db.get('note 000')
  const { rev } = await db.put({ ...first, size: 1000 })
  await assert.rejects(db.put({ ...first, size: 2000 }), { status: 409 })
  await db.putAttachment('note 000', 'file', rev, ATTACHMENT, 'application/octet-stream')
  await db.remove(await db.get('note 001'))
  await db.put({ _id: '_local/state', at: 7 })

  const heard: string[] = []
  const feed = db.changes({ since: 'now', live: true, include_docs: true })
  const change = new Promise<void>((resolve, reject) => {
    feed.on('error', reject)
    feed.on('change', ({ id }: { id: string }) => {
      heard.push(id)
      if (heard.length === 2) resolve()
    })
  })
  await db.info()
  await db.put({ _id: 'heard 1' })
  await db.put({ _id: 'heard 2' })
  await change
  feed.cancel()
  assert.deepEqual(heard, ['heard 1', 'heard 2'])
  await checkViews(db)
  await db.createIndex({ index: { fields: ['topic', 'size'] } })
  await db.close()
}

async function checkViews(db: any): Promise<void> {
  const { rows } = await db.query('notes/byTopic', { group: true })
  assert.deepEqual(rows, [
    { key: 'topic 0', value: 2200 },
    { key: 'topic 1', value: 1224 },
    { key: 'topic 2', value: 1250 },
    { key: 'topic 3', value: 1275 },
  ])
  const range = { startkey: 'topic 1', endkey: 'topic 2', reduce: false }
  const found = await db.query('notes/byTopic', { ...range, descending: false, limit: 2 })
  assert.deepEqual(
    found.rows.map(({ id }: { id: string }) => id),
    ['note 005', 'note 009'],
  )
}

async function reopen(): Promise<void> {
  const db = open()
  const { doc_count: count, adapter } = await db.info()
  assert.deepEqual([count, adapter], [COUNT + 3, 'indexeddb'])
  await checkViews(db)
  // As base64, which is the default, it would read it by the FileReader of browsers.
  const note = await db.get('note 000', { attachments: true, binary: true, revs: true })
  assert.equal(note.size, 1000)
  assert.equal(note._revisions.ids.length, 3)
  assert.deepEqual(Buffer.from(note._attachments.file.data), ATTACHMENT)
  assert.deepEqual(Buffer.from(await db.getAttachment('note 000', 'file')), ATTACHMENT)
  await assert.rejects(db.get('note 001'), { status: 404 })
  assert.equal((await db.get('_local/state')).at, 7)

  const { docs, warning } = await db.find({
    selector: { topic: 'topic 2', size: { $gt: 90 } },
    fields: ['_id'],
  })
  assert.deepEqual([warning, docs], [undefined, [{ _id: 'note 094' }, { _id: 'note 098' }]])
  const { rows } = await db.allDocs({
    startkey: 'note 090',
    endkey: 'note 092',
    include_docs: true,
  })
  assert.deepEqual(
    rows.map(({ doc }: any) => doc.size),
    [90, 91, 92],
  )
  const { results } = await db.changes({ since: 0, include_docs: true })
  const deleted = results.filter((each: any) => each.deleted)
  assert.deepEqual(
    deleted.map(({ id }: { id: string }) => id),
    ['note 001'],
  )
  await db.compact()
  await db.destroy()
  const { doc_count: left } = await open().info()
  assert.equal(left, 0)
}

phases({ create, reopen })
