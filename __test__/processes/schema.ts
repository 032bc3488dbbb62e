/** Changes of stores and indexes while other processes use them. */

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { open } from '../../index.js'
import { assertConsistent, checkDatabase, soon } from '../support/check'
import { Child } from '../support/child'
import { Random } from '../support/random'

const PROGRAM = join(__dirname, 'schema-user.ts')
const STORES = ['one', 'two', 'three']
const INDEXES = ['first', 'second']

/** A database whose schema is changed at random, and which stores and indexes there are. */
class Changing {
  readonly stores = new Map<string, Set<string>>()
  private generation = 1

  constructor(
    private readonly db: any,
    private readonly random: Random,
  ) {}

  /** The document that names the generation of a store. */
  private mark(): object {
    const generation = this.generation++
    return { id: 0, generation, [`made ${generation}`]: 1 }
  }

  /** Makes a change; does nothing if there is nothing to change. */
  async change(): Promise<void> {
    const { db, random, stores } = this
    const name = random.pick(STORES)
    const indexes = stores.get(name)
    if (indexes === undefined) {
      await db.transaction(async (tx: any) => {
        await tx.createObjectStore(name, { keyPath: 'id' })
        await tx.store(name).put(this.mark())
      })
      stores.set(name, new Set())
      return
    }
    const other = random.pick(STORES.filter((each) => each !== name))
    const index = random.pick(INDEXES)
    const otherIndex = INDEXES.find((each) => each !== index)!
    switch (random.pick(['delete', 'rename', 'clear', 'replace', 'index', 'index', 'index'])) {
      case 'delete':
        await db.deleteObjectStore(name)
        stores.delete(name)
        return
      case 'rename':
        if (stores.has(other)) return
        await db.renameObjectStore(name, other)
        stores.set(other, indexes)
        stores.delete(name)
        return
      case 'clear':
        await db.transaction(async (tx: any) => {
          await tx.store(name).clear()
          await tx.store(name).put(this.mark())
        })
        return
      case 'replace':
        await db.transaction(async (tx: any) => {
          await tx.deleteObjectStore(name)
          await tx.createObjectStore(name, { keyPath: 'id', indexes: { [index]: { on: 'id' } } })
          await tx.store(name).put(this.mark())
        })
        stores.set(name, new Set([index]))
        return
      default:
        if (!indexes.has(index)) {
          await db.createIndex(name, index, 'id')
          indexes.add(index)
        } else if (random.chance(0.5) && !indexes.has(otherIndex)) {
          await db.renameIndex(name, index, otherIndex)
          indexes.delete(index)
          indexes.add(otherIndex)
        } else {
          await db.deleteIndex(name, index)
          indexes.delete(index)
        }
    }
  }

  /** What everybody has to see. */
  get seen(): Record<string, string[]> {
    const names = [...this.stores.keys()].toSorted()
    return Object.fromEntries(names.map((name) => [name, [...this.stores.get(name)!].toSorted()]))
  }
}

/** @returns what the other processes did: operations, and those whose store was gone */
export async function changeSchema(options: {
  seed: number
  changes: number
  processes: number
}): Promise<{ done: number; gone: number }> {
  const { seed, changes, processes } = options
  const path = mkdtempSync(join(tmpdir(), 'lodestore-test-'))
  const db = await open(path, { durability: 'relaxed' })
  const users = Array.from({ length: processes }, () => new Child(PROGRAM))
  try {
    for (const [i, user] of users.entries()) user.say({ path, seed: seed + i, names: STORES })
    for (const user of users) await soon('the start of a process', user.next())
    const changing = new Changing(db, new Random(seed))
    for (let i = 0; i < changes; i++) {
      await soon(`change ${i}`, changing.change())
      for (const user of users) {
        user.say('look')
        const { seen } = await soon('a look', user.next())
        assert.deepEqual(seen, changing.seen, `LODESTORE_SEED=${seed}, after change ${i}`)
      }
    }
    const sum = { done: 0, gone: 0 }
    for (const user of users) {
      user.say('end')
      const { counts } = await soon('the end of a process', user.next())
      user.process.stdin!.end()
      const { code, stderr } = await user.ended
      assert.equal(code, 0, stderr)
      sum.done += counts.done
      sum.gone += counts.gone
    }
    await assertConsistent(db)
    await db.close()
    await checkDatabase(path)
    return sum
  } finally {
    for (const user of users) user.process.kill('SIGKILL')
    rmSync(path, { recursive: true, force: true })
  }
}
