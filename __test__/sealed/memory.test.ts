import assert from 'node:assert/strict'
import { closeSync, openSync, readFileSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Child } from '../support/child'
import { temporaryDirectory } from '../support/database'
import { runtime } from '../support/runtime'
import { KEY_LENGTH, keyByte } from './key'

const skip =
  (process.platform !== 'linux' && "the memory of a process is looked at through Linux's /proc") ||
  (runtime !== 'node' && 'what holds the key is the same library')

/** How often a process's memory has the key in it. */
function countKeys(pid: number): number {
  const key = Buffer.from(Array.from({ length: KEY_LENGTH }, (_, i) => keyByte(i)))
  const memory = openSync(`/proc/${pid}/mem`, 'r')
  const chunk = Buffer.alloc(1 << 20)
  let count = 0
  for (const line of readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')) {
    const match = /^([0-9a-f]+)-([0-9a-f]+) rw.p .*?(\S*)$/.exec(line)
    if (match === null || match[3]!.endsWith('.mdb')) continue
    const [from, to] = [BigInt(`0x${match[1]}`), BigInt(`0x${match[2]}`)]
    for (let at = from; at < to; at += BigInt(chunk.length - KEY_LENGTH)) {
      const length = Number(to - at < BigInt(chunk.length) ? to - at : BigInt(chunk.length))
      let read: number
      try {
        read = readSync(memory, chunk, 0, length, at)
      } catch {
        // Reserved, but never used.
        break
      }
      const part = chunk.subarray(0, read)
      for (let i = part.indexOf(key); i >= 0; i = part.indexOf(key, i + 1)) count++
    }
  }
  closeSync(memory)
  return count
}

test('the key is in no memory once the program has overwritten its own', { skip }, async (t) => {
  const path = await temporaryDirectory(t)
  const child = new Child(join(__dirname, 'holder.ts'), [join(path, 'db')])
  t.after(() => child.kill())
  assert.equal(await child.next(), 'given')
  // The program's own array: so it can be found.
  assert.ok(countKeys(child.process.pid!) > 0)
  child.say('go on')
  assert.equal(await child.next(), 'open')
  const whileOpen = countKeys(child.process.pid!)
  child.say('go on')
  assert.equal(await child.next(), 'closed')
  const afterwards = countKeys(child.process.pid!)
  child.say('go on')
  await child.ended
  assert.deepEqual({ whileOpen, afterwards }, { whileOpen: 0, afterwards: 0 })
})
