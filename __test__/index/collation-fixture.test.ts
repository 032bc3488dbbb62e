// Databases with collated indexes that earlier versions made.

import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { open } from '../../index.js'
import { rejects, temporaryDirectory } from '../support/database'

const FIXTURES = join(__dirname, '..', '..', 'tests', 'fixtures')

/** Of the index `byWord`. */
const swedish = {
  locale: 'sv',
  strength: 'secondary',
  caseLevel: false,
  caseFirst: 'off',
  numericOrdering: false,
  alternate: 'non-ignorable',
  maxVariable: 'punct',
} as const

const STORES = {
  words: {
    keyPath: 'id',
    indexes: {
      byWord: { on: 'word', collation: swedish },
      byLogin: { on: 'login', unique: true, collation: { locale: 'en', strength: 1 } },
      byTag: { on: ['tags'], collation: swedish, where: { word: { $gte: 'Z' } } },
      plain: { on: 'word' },
    },
  },
} as const

/** A fixture's copy. */
async function copyOf(t: any, name: string): Promise<string> {
  const path = join(await temporaryDirectory(t), 'db')
  cpSync(join(FIXTURES, name), path, { recursive: true })
  return path
}

const COLLATED = ['byLogin', 'byTag', 'byWord']

/** Those that builds fill; a unique one is filled by the first write transaction. */
const BUILT = ['byTag', 'byWord']

/** Resolves when the builds of collated indexes have ended; called before the open. */
function buildsEnd(t: any): Promise<void> {
  return new Promise((resolve) => {
    const ended: string[] = []
    const hear = (message: any) => {
      if (message.phase !== 'end') return
      ended.push(message.index)
      if (BUILT.every((name) => ended.includes(name))) resolve()
    }
    subscribe('lodestore:index-build', hear)
    // A build that nobody asked for does not keep the process.
    const kept = setInterval(() => {}, 60_000)
    t.after(() => {
      clearInterval(kept)
      unsubscribe('lodestore:index-build', hear)
    })
  })
}

/** The indexes are whole, and writes keep them so. */
async function check(db: any): Promise<void> {
  const words = db.store('words')
  const byWord = words.index('byWord')
  assert.deepEqual(byWord.collation, swedish)
  assert.deepEqual(await byWord.getAllKeys(), [5, 2, 4, 3, 6, 1])
  assert.deepEqual(await byWord.getAllKeys('ZETA'), [2, 4])
  assert.equal((await words.index('byLogin').get('ADA')).id, 1)
  assert.deepEqual(await words.index('byTag').getAllKeys([['ÖL']]), [3])
  const sorted = words.find().sort('word').collation(swedish).hint('byWord')
  assert.deepEqual(await sorted.keys(), [5, 2, 4, 3, 6, 1])

  await words.put({ id: 7, word: 'ZETA', login: 'new' })
  await rejects(words.put({ id: 8, word: 'x', login: 'ÁDA' }), 'UNIQUE_VIOLATION')
  assert.deepEqual(await byWord.getAllKeys('zeta'), [2, 4, 7])
  await words.delete(7)
}

test('the fixture of collated indexes opens and is kept up', async (t) => {
  const path = await copyOf(t, 'collated-index')
  const ended = buildsEnd(t)
  const db = await open(path, { mode: 'open', stores: STORES } as any)
  // It is of another version than later ones.
  if (COLLATED.some((name) => db.store('words').index(name).state !== 'ready')) await ended
  await check(db)
  await db.close()
})

test('collated indexes of another version are built again', async (t) => {
  const path = await copyOf(t, 'collated-index-stale')
  const readOnly = (await open(path, { mode: 'readOnly' })) as any
  const words = readOnly.store('words')
  assert.equal(words.index('byWord').state, 'building')
  await rejects(words.index('byWord').getAll(), 'INDEX_NOT_READY')
  const found = words.find({ word: 'zeta' }).collation(swedish)
  assert.deepEqual(await found.keys(), [2, 4], 'without the index')
  await rejects(found.hint('byWord').keys(), 'INVALID_QUERY')
  assert.deepEqual(await words.index('plain').getAllKeys('zeta'), [4])
  await readOnly.close()

  const ended = buildsEnd(t)
  const db = (await open(path, { mode: 'open', stores: STORES } as any)) as any
  const twice = { id: 100, word: 'x', login: 'ÁDA' }
  const refused = await rejects(db.store('words').put(twice), 'UNIQUE_VIOLATION')
  assert.equal(refused.index, 'byLogin', 'also by the very first write')
  await ended
  await check(db)
  await db.close()
  // It stays so.
  const again = (await open(path, { mode: 'readOnly' })) as any
  assert.equal(again.store('words').index('byWord').state, 'ready')
  await again.close()
})
