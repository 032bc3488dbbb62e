/** A process with limits on its resources that opens many spaces. */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { open } from '../../index.js'
import { filesOpenIn } from '../lifetime/leftovers'
import { assertCode } from '../support/errors'
import { say } from '../support/parent'

const GIB = 1024 ** 3
const STORES = { s: { keyPath: 'id', indexes: { byA: { on: 'a' } } } } as const

/** Bytes of address space. */
function addressSpace(): number {
  const [, kibibytes] = /VmSize:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))!
  return Number(kibibytes) * 1024
}

const scenarios: Record<string, (path: string, count: number) => Promise<unknown>> = {
  async 'in turn'(path, count) {
    const root = await open(path, { durability: 'none' })
    const use = async (i: number): Promise<void> => {
      const space = (await open(path, { space: `${i}`, stores: STORES, durability: 'none' })) as any
      await space.store('s').put({ id: i, a: i % 9 })
      assert.equal(await space.store('s').count(), 1)
      await space.close()
    }
    // The journal of the root begins with the second space.
    for (let i = 0; i < 2; i++) await use(i)
    const files = filesOpenIn(path).length
    const before = addressSpace()
    for (let i = 0; i < count; i++) await use(i)
    assert.equal((await root.spaces()).length, count)
    assert.equal(filesOpenIn(path).length, files)
    const grown = addressSpace() - before
    assert.ok(grown < GIB, `${grown} bytes of address space are gone`)
    await root.close()
    return { count }
  },

  /** Until the system gives no more; what is open stays usable, and all is given back. */
  async 'at once'(path, count) {
    const options = { stores: STORES, mapSize: GIB, durability: 'none' } as const
    const root = (await open(path, options)) as any
    // The journal of the root begins with the second space.
    for (const space of ['first', 'second']) await (await open(path, { ...options, space })).close()
    const files = filesOpenIn(path).length
    const before = addressSpace()
    const spaces: any[] = []
    const openNext = async (): Promise<undefined> => {
      spaces.push(await open(path, { ...options, space: `${spaces.length}` }))
    }
    let refused: Error | undefined
    while (spaces.length < count) {
      refused = await openNext().catch((error: Error) => error)
      if (refused instanceof Error) break
    }
    assertCode(refused, 'RESOURCE_LIMIT')
    const { length } = spaces
    for (let i = 0; i < 3; i++) {
      await openNext().then(
        () => assert.fail('there was room'),
        (error: unknown) => assertCode(error, 'RESOURCE_LIMIT'),
      )
    }
    for (const [id, db] of [root, ...spaces].entries()) {
      await db.store('s').put({ id, a: 1 })
      assert.equal((await db.store('s').index('byA').getAll(1)).length, 1)
    }
    await spaces.pop().close()
    await openNext()
    assert.equal((await spaces.at(-1).store('s').getAll()).length, 1)
    await Promise.all(spaces.map((space) => space.close()))
    assert.equal(filesOpenIn(path).length, files)
    // Threads of writers end some time after their databases, and with them their stacks.
    for (let left = 1000; addressSpace() > before + GIB && left > 0; left--) await setTimeout(10)
    assert.ok(addressSpace() <= before + GIB, 'address space was not given back')
    assert.ok((await root.spaces()).length >= length)
    await root.close()
    return { count: length, message: refused.message }
  },
}

async function main(): Promise<void> {
  const [path, scenario, count] = process.argv.slice(2)
  say(await scenarios[scenario!]!(path!, Number(count)))
}

main().catch((error) => {
  console.error(error)
  process.exitCode = 1
})
