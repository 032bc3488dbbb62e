import assert from 'node:assert/strict'
import { closeSync, openSync, readFileSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { open } from '../../index.js'
import { derivePassphraseKey } from '../../lib/binding'
import { Blocks, slotKey, slotsOf } from '../support/blocks'
import { Child } from '../support/child'
import { temporaryDirectory } from '../support/database'
import { DataFile } from '../support/pages'
import { runtime } from '../support/runtime'
import { KEY_LENGTH, NEXT_PASSPHRASE, PASSPHRASE, keyByte } from './key'

const skip =
  (process.platform !== 'linux' && "the memory of a process is looked at through Linux's /proc") ||
  (runtime !== 'node' && 'what holds the key is the same library')

/** The length of what is looked for, at most. */
const LONGEST = 64

/** How often a process's memory has each of some keys in it. */
function count(pid: number, keys: Record<string, Buffer>): Record<string, number> {
  const memory = openSync(`/proc/${pid}/mem`, 'r')
  const chunk = Buffer.alloc(1 << 20)
  const counts = Object.fromEntries(Object.keys(keys).map((name) => [name, 0]))
  for (const line of readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')) {
    const match = /^([0-9a-f]+)-([0-9a-f]+) rw.p .*?(\S*)$/.exec(line)
    if (match === null || match[3]!.endsWith('.mdb')) continue
    const [from, to] = [BigInt(`0x${match[1]}`), BigInt(`0x${match[2]}`)]
    for (let at = from; at < to; at += BigInt(chunk.length - LONGEST)) {
      const length = Number(to - at < BigInt(chunk.length) ? to - at : BigInt(chunk.length))
      let read: number
      try {
        read = readSync(memory, chunk, 0, length, at)
      } catch {
        // Reserved, but never used.
        break
      }
      const part = chunk.subarray(0, read)
      for (const [name, key] of Object.entries(keys)) {
        for (let i = part.indexOf(key); i >= 0; i = part.indexOf(key, i + 1)) counts[name]!++
      }
    }
  }
  closeSync(memory)
  return counts
}

/** Every key of a database, from its file and what opens it. */
async function keysOf(
  path: string,
  kind: string,
  passphrase = PASSPHRASE,
): Promise<Record<string, Buffer>> {
  const file = new DataFile(path)
  const [slot] = slotsOf(file)
  const { memory, iterations, parallelism, salt } = slot!
  const wrapping =
    kind === 'key'
      ? slotKey(RAW, slot!)
      : await derivePassphraseKey(passphrase, salt, memory, iterations, parallelism)
  const blocks = new Blocks(file, kind === 'key' ? RAW : wrapping)
  const numbered = (name: string, keys: Map<number, Buffer>): [string, Buffer][] =>
    [...keys].map(([number, key]) => [`${name} ${number}`, Buffer.from(key)])
  return {
    ...(kind === 'key' ? { 'the raw key': RAW } : {}),
    'the key that wraps': wrapping,
    'the key of the check': blocks.checkKey,
    'the private key of the slot': blocks.privateKeys[0]!,
    ...Object.fromEntries(numbered('data key', blocks.dataKeys)),
    ...Object.fromEntries(numbered('the key of epoch', blocks.epochs)),
  }
}

const RAW = Buffer.from(Array.from({ length: KEY_LENGTH }, (_, i) => keyByte(i)))

for (const kind of ['key', 'passphrase']) {
  test(`no key is in memory after close: of a ${kind}`, { skip }, async (t) => {
    const path = join(await temporaryDirectory(t), 'db')
    const child = new Child(join(__dirname, 'holder.ts'), [path, kind])
    t.after(() => child.kill())
    assert.equal(await child.next(), 'given')
    const pid = child.process.pid!
    const keys = await keysOf(path, kind)
    assert.ok(Object.keys(keys).length >= 4)
    // The program's own array: so it can be found.
    if (kind === 'key') assert.ok(count(pid, keys)['the raw key']! > 0)
    child.say('go on')
    assert.equal(await child.next(), 'open')
    const whileOpen = count(pid, keys)
    // What is needed to read and write, and to learn of new data keys, is there, and can be found;
    // nothing else is.
    const needed = (name: string): boolean =>
      /^data key|^the key of epoch|^the private key/.test(name)
    for (const [name, times] of Object.entries(whileOpen)) {
      if (needed(name)) assert.ok(times > 0, name)
      else assert.equal(times, 0, name)
    }
    child.say('go on')
    assert.equal(await child.next(), 'closed')
    const afterwards = count(pid, keys)
    child.say('go on')
    await child.ended
    assert.deepEqual(afterwards, Object.fromEntries(Object.keys(keys).map((name) => [name, 0])))
  })
}

test('no key is in memory after close: of those that were replaced', { skip }, async (t) => {
  const path = join(await temporaryDirectory(t), 'db')
  const child = new Child(join(__dirname, 'holder.ts'), [path, 'passphrase', 'replaces'])
  t.after(() => child.kill())
  assert.equal(await child.next(), 'given')
  const pid = child.process.pid!
  const before = await keysOf(path, 'passphrase')
  child.say('go on')
  assert.equal(await child.next(), 'open')
  const after = await keysOf(path, 'passphrase', NEXT_PASSPHRASE)
  // All of them are others.
  const own = new Set(Object.values(before).map((key) => key.toString('hex')))
  for (const [name, key] of Object.entries(after)) assert.ok(!own.has(key.toString('hex')), name)
  const whileOpen = count(pid, after)
  assert.ok(
    Object.entries(whileOpen).some(([name, times]) => name.startsWith('data key') && times > 0),
  )
  for (const keys of [before, after]) {
    for (const name of ['the key that wraps', 'the key of the check']) {
      assert.equal(count(pid, keys)[name], 0, name)
    }
  }
  child.say('go on')
  assert.equal(await child.next(), 'closed')
  const afterwards = [count(pid, before), count(pid, after)]
  child.say('go on')
  await child.ended
  for (const counts of afterwards) {
    assert.deepEqual(counts, Object.fromEntries(Object.keys(counts).map((name) => [name, 0])))
  }
})

test('no content is in memory after close', { skip }, async (t) => {
  const path = join(await temporaryDirectory(t), 'db')
  const stores = { s: { indexes: { byText: { on: 'text' } } } } as const
  const db = (await open(path, { encryption: { key: RAW }, stores, durability: 'relaxed' })) as any
  // Nothing of it is in the other process but what is read there.
  const marker = 'plugh'.repeat(8)
  const documents = Array.from({ length: 3_000 }, (_, i) => {
    const text = `${marker} ${i % 100}`
    return [i, { text, more: text }]
  })
  await db.store('s').putMany(documents, { entries: true })
  await db.close()
  const child = new Child(join(__dirname, 'counter.ts'), [path])
  t.after(() => child.kill())
  assert.deepEqual(await child.next(), [300, 3_000])
  const pid = child.process.pid!
  const wanted = { content: Buffer.from(marker) }
  const whileOpen = count(pid, wanted).content!
  assert.ok(whileOpen > 1_000, `${whileOpen}`)
  child.say('go on')
  assert.equal(await child.next(), 'closed')
  const afterwards = count(pid, wanted).content
  child.say('go on')
  await child.ended
  assert.equal(afterwards, 0)
})
