import { phases } from './phases'
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { setImmediate, setTimeout } from 'node:timers/promises'
import { indexedDB } from 'lodestore/indexeddb'
import { Engine } from '../../lib/indexeddb/engine.js'
import { setRules } from '../support/preload'
import { completed, openDatabase, resultOf } from './requests'

const make = (version = 1) =>
  openDatabase('db', version, (db, [oldVersion]) => {
    if (oldVersion === 0) db.createObjectStore('s')
  })

/** Collects garbage until something holds. */
async function collectUntil(holds: () => boolean): Promise<void> {
  while (!holds()) {
    ;(globalThis as any).gc()
    await setImmediate()
  }
}

const phase: Record<string, () => Promise<void>> = {
  async dropped() {
    const used = async (): Promise<void> => {
      const db = await make()
      await completed(db.transaction('s', 'readwrite'))
    }
    await used()
    const request: any = indexedDB.open('db', 2)
    let blocked = 0
    request.addEventListener('blocked', () => blocked++)
    await collectUntil(() => request.readyState === 'done')
    assert.equal((await resultOf(request)).version, 2)
    assert.ok(blocked <= 1)
  },

  async listening() {
    let told = 0
    const listen = async (): Promise<void> => {
      const db = await make()
      db.onversionchange = () => {
        told++
        db.close()
      }
    }
    await listen()
    await collectTimes(20)
    assert.equal((await make(2)).version, 2)
    assert.equal(told, 1)
  },

  async working() {
    const begin = async (): Promise<unknown> => {
      const db = await make()
      const store = db.transaction('s', 'readwrite').objectStore('s')
      for (let i = 0; i < 100; i++) store.put(i, i)
      return resultOf(store.count())
    }
    const counting = begin()
    const request = indexedDB.open('db', 2)
    await collectUntil(() => request.readyState === 'done')
    assert.equal(await counting, 100)
  },

  async failing() {
    const directory = process.env.LODESTORE_PATH!
    const db = await make()
    const other = await make()
    const lasting = other.transaction('s').objectStore('s')
    assert.equal(await resultOf(lasting.count()), 0)
    const closed = [once(db, 'close'), once(other, 'close')]
    // The next open comes before the storage is closed.
    const { close } = Engine.prototype
    Engine.prototype.close = async function (this: any) {
      await setTimeout(100)
      await close.call(this)
    }
    setRules(directory, 'fail data-sync 1 EIO')
    const failed = db.transaction('s', 'readwrite')
    failed.objectStore('s').put('lost', 1)
    await assert.rejects(completed(failed), { name: 'UnknownError' })
    for (const [event] of await Promise.all(closed)) {
      assert.deepEqual([event.type, event.bubbles, event.cancelable], ['close', false, false])
    }
    assert.throws(() => db.transaction('s'), { name: 'InvalidStateError' })
    setRules(directory, '')
    // It is read anew from the disk.
    const again = await make()
    const store = again.transaction('s', 'readwrite').objectStore('s')
    store.put('kept', 2)
    assert.deepEqual(await resultOf(store.getAllKeys()), [2])
    again.close()
  },
}

async function collectTimes(times: number): Promise<void> {
  let left = times
  await collectUntil(() => left-- === 0)
}

phases(phase)
