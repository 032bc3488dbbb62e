import { phases } from './phases'
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { completed, openDatabase, resultOf } from './requests'
import { collectGarbage } from '../support/runtime'

const COUNT = 100_000
const BATCH = 5000
/** About 50 MB in all, which is what a walk must not collect. */
const TEXT = 'x'.repeat(500)
const MEBIBYTE = 1024 ** 2
const MOST_OF_READS = 16 * MEBIBYTE
/** A transaction keeps up to 64 MiB of changed pages in memory. */
const MOST_OF_WRITES = 96 * MEBIBYTE

/** Memory of its own that the process has: the database is mapped, which does not count. */
function ownMemory(): number {
  if (process.platform !== 'linux') {
    const { heapUsed, external } = process.memoryUsage()
    return heapUsed + external
  }
  const [, kibibytes] = /^RssAnon:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))!
  return Number(kibibytes) * 1024
}

/** Watches the memory of a walk; the first records show what a walk needs in any case. */
class Watch {
  private least = 0
  private most = 0
  seen = 0

  /** A record has come. */
  step(): void {
    this.seen++
    if (this.seen % BATCH !== 0) return
    collectGarbage()
    if (this.seen === BATCH) this.least = ownMemory()
    this.most = Math.max(this.most, ownMemory())
  }

  check(most: number): void {
    assert.equal(this.seen, COUNT)
    const grown = this.most - this.least
    assert.ok(grown < most, `the memory has grown by ${grown} bytes`)
  }
}

const open = () =>
  openDatabase('large', 1, (db) => {
    db.createObjectStore('s', { keyPath: 'id' }).createIndex('by', 'group')
  })

async function write(): Promise<void> {
  const db = await open()
  for (let from = 0; from < COUNT; from += BATCH) {
    const tx = db.transaction('s', 'readwrite', { durability: 'relaxed' })
    for (let id = from; id < from + BATCH; id++) {
      tx.objectStore('s').put({ id, group: id % 1000, text: TEXT })
    }
    await completed(tx)
  }
}

/** Walks over everything that a source has. */
async function walk(source: any, most: number, onCursor: (cursor: any) => void): Promise<void> {
  const watch = new Watch()
  const request = source.openCursor()
  await new Promise<void>((resolve, reject) => {
    request.addEventListener('error', () => reject(request.error))
    request.addEventListener('success', () => {
      const cursor = request.result
      if (cursor === null) return resolve()
      watch.step()
      onCursor(cursor)
      cursor.continue()
    })
  })
  watch.check(most)
}

async function read(): Promise<void> {
  const db = await open()
  let next = 0
  await walk(db.transaction('s').objectStore('s'), MOST_OF_READS, ({ value }) => {
    if (value.id !== next++ || value.text !== TEXT) throw new Error(`${value.id}, not ${next - 1}`)
  })
  let last = 0
  await walk(db.transaction('s').objectStore('s').index('by'), MOST_OF_READS, ({ key, value }) => {
    if (key < last || value.group !== key) throw new Error(`${key} after ${last}`)
    last = key
  })
}

/** Changes every record in one transaction. */
async function change(): Promise<void> {
  const db = await open()
  const tx = db.transaction('s', 'readwrite', { durability: 'relaxed' })
  const ended = completed(tx)
  await walk(tx.objectStore('s'), MOST_OF_WRITES, (cursor) => {
    if (cursor.value.id % 2 === 0) cursor.delete()
    else cursor.update({ id: cursor.value.id, group: -1 })
  })
  await ended
  const index = db.transaction('s').objectStore('s').index('by')
  assert.equal(await resultOf(index.count(-1)), COUNT / 2)
  assert.equal(await resultOf(index.count()), COUNT / 2)
}

phases({ write, read, change })
