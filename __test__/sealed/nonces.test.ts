import assert from 'node:assert/strict'
import { copyFileSync, cpSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { open } from '../../index.js'
import { temporaryDirectory } from '../support/database'
import { DataFile } from '../support/pages'
import { Random, seed } from '../support/random'
import { changesOf, everyBlockOf, epochsOf } from './blocks'

const encryption = { key: new Uint8Array(32).fill(9) }
const stores = { s: { indexes: { byN: { on: 'n' } } } }

/** What was encrypted under each pair of an epoch's random value and a nonce. */
class Pairs {
  readonly seen = new Map<string, string>()
  /** How many of them are of changes in journals. */
  changes = 0

  /** Takes in what the journal has of changes, those of earlier generations included. */
  recordJournal(directory: string): void {
    for (const { value, nonce, digest } of changesOf(directory)) {
      if (this.add(`journal ${value} ${nonce}`, digest)) this.changes++
    }
  }

  /** Takes in all blocks that a file has, those that were replaced included. */
  record(directory: string): void {
    this.recordJournal(directory)
    const file = new DataFile(directory)
    const epochs = epochsOf(file)
    for (const { epoch, nonce, digest } of everyBlockOf(file)) {
      const recorded = epochs.get(epoch)
      // Epochs of data keys that were replaced are gone; their blocks were taken in before.
      if (recorded === undefined) continue
      this.add(`${recorded.value} ${nonce}`, digest)
    }
  }

  private add(pair: string, digest: string): boolean {
    const known = this.seen.get(pair)
    if (known !== undefined) {
      assert.equal(known, digest, `a key and a nonce were used twice: ${pair}`)
      return false
    }
    this.seen.set(pair, digest)
    return true
  }
}

/**
 * Copies of one database, made of its files, have the same keys and go on separately: whatever they
 * encrypt from then on, no key and no nonce come twice, in one of them or in both.
 */
test(`copies that diverge share no key and nonce (LODESTORE_SEED=${seed})`, async (t) => {
  const random = new Random(seed)
  const root = await temporaryDirectory(t)
  const pairs = new Pairs()
  const paths = ['origin', 'one', 'two', 'three'].map((name) => join(root, name))

  /**
   * Opens a database, writes to it, and takes its blocks in while it is closed. `left` is where to
   * leave it as it would be if the process had been killed.
   */
  const step = async (path: string, rotates: boolean, left?: string): Promise<void> => {
    const db = (await open(path, { encryption, stores, durability: 'relaxed' })) as any
    for (let commit = 0; commit < 6; commit++) {
      await db.transaction(async (tx: any) => {
        for (let i = 0; i < 15; i++) {
          const key = random.below(400)
          const value = { n: random.below(9), text: 'x'.repeat(random.below(8) ** 4) }
          if (random.below(4) === 0) await tx.store('s').delete(key)
          else await tx.store('s').put(value, key)
        }
      })
    }
    const attempt = db.transaction(async (tx: any) => {
      await tx.store('s').put({ n: 1, text: 'x'.repeat(9_000) }, 1)
      throw new Error('on purpose')
    })
    await assert.rejects(attempt, /on purpose/)
    if (rotates) await db.rotateKey()
    // With nothing read in between they are acknowledged before they are committed.
    for (let i = 0; i < 30; i++) await db.store('s').put({ n: i, text: 'brief' }, 1_000 + i)
    if (left !== undefined) {
      rmSync(left, { recursive: true, force: true })
      mkdirSync(left)
      for (const name of ['data.mdb', 'data.journal']) {
        copyFileSync(join(path, name), join(left, name))
      }
    }
    pairs.recordJournal(path)
    await db.close()
    pairs.record(path)
  }

  for (let round = 0; round < 4; round++) await step(paths[0]!, false)
  for (const path of paths.slice(1, 3)) cpSync(paths[0]!, path, { recursive: true })
  for (let round = 0; round < 8; round++) {
    // A copy of a copy, in the middle of it, and copies of those that were not closed.
    if (round === 4) cpSync(paths[1]!, paths[3]!, { recursive: true })
    const there = paths.slice(0, round < 4 ? 3 : 4)
    for (const [i, path] of there.entries()) {
      const left = join(root, `left ${i}`)
      await step(path, random.below(4) === 0, left)
      await step(left, false)
    }
  }
  // All of them replace the data key of the same copy, too.
  for (const path of paths) await step(path, true)
  for (const path of paths) await step(path, false)
  t.diagnostic(`${pairs.seen.size} pairs, ${pairs.changes} of them of journals`)
  assert.ok(pairs.seen.size > 2_000, `${pairs.seen.size}`)
  assert.ok(pairs.changes > 50, `${pairs.changes}`)
})
