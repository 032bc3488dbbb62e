/** What processes do while they are killed, and what there has to be afterwards. */

import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { open, repair as repairDatabase } from '../../index.js'
import { dataKeysOf } from '../sealed/blocks'
import {
  IMPORTED,
  NEW_PASSPHRASE,
  importOptions,
  opens,
  optionsOf,
  showing,
  stateOf,
} from './content'
import type { Work } from './worker'

/** A work that is killed. */
export interface Case {
  name: string
  sealed: boolean
  /** Whether it makes something where nothing is. */
  isNew?: boolean
  /** Whether it works on a database that takes it many steps. */
  isLarge?: boolean
  /** The points at which it may die, with how often it comes there at least (`src/fault.rs`). */
  points: Record<string, number>
  /** Looks at what is there, and names it. `done`: whether the work had ended. */
  check(work: Work, done: boolean): Promise<string>
}

const COPIED = { 'backup-copied': 1, 'backup-renamed': 1 }
const REPLACED = {
  'restore-spaces': 1,
  'restore-graph-files': 1,
  'restore-renamed': 1,
  'restore-synced': 1,
}

const OLD = 'both old'
const NEW = 'both,one new'

/** Exactly one of the options opens the database; which one. */
async function whichOpens(path: string, choices: Record<string, object>): Promise<string> {
  const found = []
  for (const [name, options] of Object.entries(choices)) {
    if (await opens(path, options)) found.push(name)
  }
  assert.equal(found.length, 1, `what opens it: ${found}`)
  return found[0]!
}

/** What a killed process left beside a database goes when the next one makes something there. */
async function checkNoLeftovers(path: string, options: object, directory: string): Promise<void> {
  const db = await open(path, { ...options, mode: 'open' })
  await db.backup(join(directory, 'again'))
  await db.close()
  const left = readdirSync(directory).filter((name) => name.includes('.unfinished'))
  assert.deepEqual(left, [])
}

/** Either nothing is there, or all of it, which these options open. */
async function checkMade(
  { path, other, sealed }: Work,
  done: boolean,
  state: string,
  unlocking: object = optionsOf(sealed),
): Promise<string> {
  const options = optionsOf(sealed)
  const isThere = existsSync(other)
  assert.ok(isThere || !done)
  if (isThere) assert.equal(await stateOf(other, unlocking), state)
  assert.equal(await stateOf(path, options), state)
  await checkNoLeftovers(path, options, dirname(other))
  return isThere ? 'there' : 'not there'
}

function changePassphrase(): Case {
  return {
    name: 'changePassphrase',
    sealed: true,
    points: { 'commit-end': 1 },
    async check({ path }, done) {
      const options = { old: optionsOf(true), new: { encryption: NEW_PASSPHRASE } }
      const found = await whichOpens(path, options)
      assert.ok(found === 'new' || !done)
      assert.equal(await stateOf(path, options[found as keyof typeof options]), OLD)
      return found
    },
  }
}

/** Lets one passphrase more open a database, or one fewer: which ones do is all that changes. */
function changeKeys(name: 'addKey' | 'removeKey'): Case {
  return {
    name,
    sealed: true,
    points: { 'commit-end': name === 'addKey' ? 1 : 2 },
    async check({ path }, done) {
      const [own, other] = [optionsOf(true), { encryption: NEW_PASSPHRASE }]
      const isOther = await opens(path, other)
      assert.ok(!done || isOther === (name === 'addKey'))
      for (const options of isOther ? [own, other] : [own]) {
        assert.equal(await stateOf(path, options), OLD)
      }
      return isOther ? 'both open it' : 'one opens it'
    },
  }
}

function rotateKey(): Case {
  return {
    name: 'rotateKey',
    sealed: true,
    isLarge: true,
    points: {
      'rotate-begun': 1,
      'rotate-step': 9,
      'rotate-stepped': 9,
      'rotate-sealed': 1,
      'rotate-space-key': 1,
      'rotate-space-begun': 1,
      'rotate-spaces': 1,
      'rotate-epochs': 2,
      'rotate-end': 2,
    },
    async check({ path }, done) {
      const options = optionsOf(true)
      if (done) assert.deepEqual(dataKeysOf(path).epochs, [2])
      const where = await howFar(path, options)
      assert.equal(await stateOf(path, options), OLD)
      // Nothing of it is lost to a repair.
      await repairDatabase(path, `${path} repaired`, options)
      assert.equal(await stateOf(`${path} repaired`, options), OLD)
      // What was stopped goes on.
      const db = await open(path, { ...options, mode: 'open' })
      await db.rotateKey()
      await db.close()
      const after = dataKeysOf(path)
      assert.equal(after.blocks.length, 1)
      assert.deepEqual(after.blocks, after.epochs)
      assert.equal(await stateOf(path, options), OLD)
      return where
    },
  }
}

/** How far a rotation has come, in the database and in its one space. */
async function howFar(path: string, options: object): Promise<string> {
  const [space] = readdirSync(join(path, 'spaces'))
  const [own, inner] = [path, join(path, 'spaces', space!)].map((each) => dataKeysOf(each).blocks)
  const db = await open(path, { ...options, mode: 'readOnly' })
  const { keyRotation } = await db.stats()
  await db.close()
  const has = { 1: 'the old key', 2: 'the new key', '1,2': 'some of both' }
  const state = keyRotation === null ? 'not begun, or ended' : 'pending'
  // It is pending for as long as something has the old key, and until it is forgotten.
  assert.ok(keyRotation !== null || own!.length === 1)
  if (keyRotation !== null) assert.deepEqual([keyRotation.from, keyRotation.to], [1, 2])
  const name = (blocks: number[]): string => has[String(blocks) as keyof typeof has]
  return `${state}: blocks have ${name(own!)}, those of the space ${name(inner!)}`
}

function reencrypt(name: 'encrypt' | 'decrypt'): Case {
  return {
    name,
    sealed: name === 'decrypt',
    points: { 'reencrypt-copied': 1, 'reencrypt-verified': 1, ...REPLACED },
    async check({ path }, done) {
      const options = { plain: {}, encrypted: optionsOf(true) }
      const found = await whichOpens(path, options)
      assert.ok(!done || found === (name === 'encrypt' ? 'encrypted' : 'plain'))
      assert.equal(await stateOf(path, options[found as keyof typeof options]), OLD)
      if (found === 'encrypted') assert.deepEqual(showing(path), [], 'a plain file was left')
      return found
    },
  }
}

function backup(sealed: boolean): Case {
  return {
    name: 'backup',
    sealed,
    points: { 'backup-copy': 1, ...COPIED },
    check: (work, done) => checkMade(work, done, OLD),
  }
}

function backupOfPages(sealed: boolean): Case {
  return { ...backup(sealed), name: 'backup of pages' }
}

/** A copy that another passphrase opens, of a database of either kind. */
function backupEncrypted(sealed: boolean): Case {
  return {
    ...backup(sealed),
    name: 'backup encrypted anew',
    points: COPIED,
    async check(work, done) {
      const found = await checkMade(work, done, OLD, { encryption: NEW_PASSPHRASE })
      if (found === 'there') assert.deepEqual(showing(work.other), [])
      return found
    },
  }
}

function repair(sealed: boolean): Case {
  return {
    name: 'repair',
    sealed,
    points: COPIED,
    check: (work, done) => checkMade(work, done, OLD),
  }
}

function compact(sealed: boolean): Case {
  return {
    name: 'compact',
    sealed,
    points: {
      'compact-copy': 1,
      'compact-copied': 1,
      'compact-closed': 1,
      'compact-renamed': 1,
      'compact-end': 1,
    },
    async check({ path }, done) {
      assert.equal(await stateOf(path, optionsOf(sealed)), OLD)
      return done ? 'compacted' : 'as before, or compacted'
    },
  }
}

function restore(sealed: boolean, isNew: boolean): Case {
  return {
    name: 'restore',
    sealed,
    isNew,
    points: isNew ? { 'restore-copied': 1, ...COPIED } : { 'restore-copied': 1, ...REPLACED },
    async check({ path, other }, done) {
      const options = optionsOf(sealed)
      const state = existsSync(path) ? await stateOf(path, options) : 'not there'
      assert.ok(state === NEW || (!done && state === (isNew ? 'not there' : OLD)), state)
      if (isNew) await checkNoLeftovers(other, options, dirname(path))
      return state
    },
  }
}

function importFrom(sealed: boolean): Case {
  return {
    name: 'importFrom',
    sealed,
    points: { 'commit-end': 1 },
    async check({ path }, done) {
      const options = optionsOf(sealed)
      assert.equal(await stateOf(path, options), OLD)
      const db = (await open(path, { ...options, mode: 'open' })) as any
      const before: any[] = await db.store('log').getAll()
      assert.equal(before.length % importOptions.batch, 0)
      assert.ok(!done || before.length === IMPORTED)
      const numbers = before.map(({ i }) => i)
      assert.deepEqual(
        numbers,
        Array.from({ length: before.length }, (_, i) => i),
      )
      await db.close()
      return before.length === 0 ? 'nothing' : before.length < IMPORTED ? 'a part' : 'everything'
    },
  }
}

/** All of them. */
export const CASES: readonly Case[] = [
  changePassphrase(),
  // It has the most states on its way.
  rotateKey(),
  rotateKey(),
  rotateKey(),
  reencrypt('encrypt'),
  reencrypt('decrypt'),
  backup(false),
  backup(true),
  backupOfPages(false),
  backupOfPages(true),
  backupEncrypted(false),
  backupEncrypted(true),
  changeKeys('addKey'),
  changeKeys('removeKey'),
  restore(false, false),
  restore(true, false),
  restore(false, true),
  restore(true, true),
  compact(false),
  compact(true),
  importFrom(false),
  importFrom(true),
  repair(false),
  repair(true),
]
