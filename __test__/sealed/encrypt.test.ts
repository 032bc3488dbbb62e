import assert from 'node:assert/strict'
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { decrypt, encrypt, open } from '../../index.js'
import type { EncryptionOptions, ReencryptOptions } from '../../index.js'
import { untilCancelled } from '../support/check'
import { Child } from '../support/child'
import { temporaryDirectory } from '../support/database'
import { assertCode, fails } from '../support/errors'
import { DataFile } from '../support/pages'
import { OWN_KEYS, unlessSealed } from '../support/sealed'

const MARKER = 'xyzzy'
const passphrase = { passphrase: 'x', kdf: { memory: 64, iterations: 1, parallelism: 1 } }
const key = { key: new Uint8Array(32).fill(9), cipher: 'chacha20-poly1305' as const }
const stores = { s: { keyPath: 'id', indexes: { byName: { on: 'name', unique: true } } } }
const names = ['', 'a', 'b']

async function fill(path: string, encryption?: EncryptionOptions): Promise<void> {
  for (const space of names) {
    const options = { ...(encryption && { encryption }), ...(space !== '' && { space }) }
    const db = (await open(path, { ...options, stores, durability: 'relaxed' })) as any
    await db.store('s').putMany(
      Array.from({ length: 500 }, (_, id) => ({
        id,
        name: `${MARKER}${id}`,
        text: id % 50 === 0 ? MARKER.repeat(3_000) : space,
      })),
    )
    await db.close()
  }
}

async function check(path: string, encryption?: EncryptionOptions): Promise<void> {
  for (const space of names) {
    const options = { ...(encryption && { encryption }), ...(space !== '' && { space }) }
    const db = (await open(path, { ...options, mode: 'open' })) as any
    assert.deepEqual((await db.verify({ spaces: false })).findings, [])
    assert.equal(await db.store('s').count(), 500)
    assert.deepEqual(await db.store('s').get(7), { id: 7, name: `${MARKER}7`, text: space })
    assert.equal((await db.store('s').get(50)).text.length, MARKER.length * 3_000)
    assert.equal((await db.store('s').index('byName').get(`${MARKER}77`)).id, 77)
    // It can be written to.
    await db.store('s').put({ id: 1_000, name: 'new' })
    await db.store('s').delete(1_000)
    if (space === '') assert.deepEqual(await db.spaces(), ['a', 'b'])
    await db.close()
  }
}

/** The files at and under a directory that have the marker in them. */
function showing(path: string): string[] {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => readFileSync(file).includes(MARKER))
}

async function filled(t: TestContext): Promise<string> {
  const path = join(await temporaryDirectory(t), 'db')
  await fill(path)
  return path
}

const leftovers = (path: string): string[] =>
  readdirSync(path).filter((name) => /^(restore|compact)-/.test(name))

test(
  'a database is encrypted and decrypted, with its spaces',
  unlessSealed(OWN_KEYS),
  async (t) => {
    const path = await filled(t)
    assert.equal(showing(path).length, 3)
    const phases = new Set<string>()
    const onProgress = ({ phase }: { phase: string }) => phases.add(phase)
    const report = await encrypt(path, { encryption: passphrase, onProgress })
    assert.equal(report.ok, true)
    assert.equal(report.documents, 1_500)
    assert.ok(phases.has('copy') && phases.has('space a') && phases.has('documents'))
    assert.deepEqual(showing(path), [], 'no file shows what is in it')
    assert.equal(readdirSync(join(path, 'spaces')).length, 2)
    await fails(() => open(path), 'ENCRYPTED')
    await check(path, passphrase)

    await decrypt(path, { encryption: { passphrase: 'x' } })
    await fails(() => open(path, { encryption: passphrase }), 'NOT_ENCRYPTED')
    await check(path)
    assert.equal(showing(path).length, 3)
    assert.deepEqual(leftovers(path), [])

    await encrypt(path, { encryption: key })
    await check(path, key)
  },
)

test('what cannot be encrypted or decrypted stays as it is', unlessSealed(OWN_KEYS), async (t) => {
  const path = await filled(t)
  const sealed = join(await temporaryDirectory(t), 'sealed')
  cpSync(path, sealed, { recursive: true })
  await encrypt(sealed, { encryption: key })
  const before = [readFileSync(join(path, 'data.mdb')), readFileSync(join(sealed, 'data.mdb'))]

  const missing = join(path, 'nothing')
  for (const work of [encrypt, decrypt]) {
    await fails(() => work(missing, { encryption: key }), 'DATABASE_NOT_FOUND')
    await fails(() => work(':memory:', { encryption: key }), 'INVALID_ARGUMENT')
    for (const wrong of [undefined, {}, { encryption: null }, { encryption: { key: 'x' } }]) {
      await fails(() => work(path, wrong as ReencryptOptions), 'INVALID_ARGUMENT')
    }
    const signal = AbortSignal.abort()
    await fails(() => work(path, { encryption: key, signal }), 'ABORTED')
  }
  const { message } = await fails(() => encrypt(sealed, { encryption: key }), 'ENCRYPTED')
  assert.match(message, /encrypted already/)
  await fails(() => decrypt(path, { encryption: key }), 'NOT_ENCRYPTED')
  await fails(() => decrypt(sealed, { encryption: passphrase }), 'WRONG_KEY')
  const stop = async (method: typeof encrypt, at: string): Promise<void> => {
    const directory = method === encrypt ? path : sealed
    const controller = new AbortController()
    const onProgress = ({ phase }: { phase: string }) => phase === at && controller.abort()
    const work = (): Promise<unknown> =>
      method(directory, { encryption: key, onProgress, signal: controller.signal })
    const kept = join(await temporaryDirectory(t), 'kept')
    cpSync(directory, kept, { recursive: true })
    const error = await untilCancelled(work, () => {
      rmSync(directory, { recursive: true })
      cpSync(kept, directory, { recursive: true })
    })
    assertCode(error, 'ABORTED')
  }
  for (const phase of ['copy', 'space b', 'documents']) {
    await stop(encrypt, phase)
    await stop(decrypt, phase)
  }
  const after = [readFileSync(join(path, 'data.mdb')), readFileSync(join(sealed, 'data.mdb'))]
  assert.ok(after.every((bytes, i) => bytes.equals(before[i]!)))
  assert.deepEqual([leftovers(path), leftovers(sealed)], [[], []])
  await check(path)
  await check(sealed, key)
})

test('a database that is open is not encrypted', unlessSealed(OWN_KEYS), async (t) => {
  const path = await filled(t)
  const options = { encryption: key }
  for (const given of [{}, { space: 'a' }]) {
    const db = await open(path, given)
    await fails(() => encrypt(path, options), 'BUSY')
    await db.close()
  }
  const child = new Child(join(__dirname, 'opener.ts'), [path], { quick: true })
  await child.next()
  await fails(() => encrypt(path, options), 'BUSY')
  await child.kill()
  await encrypt(path, options)
  await check(path, key)
})

test('a damaged database is not encrypted', unlessSealed(OWN_KEYS), async (t) => {
  const path = await filled(t)
  const file = new DataFile(path)
  const leaf = file.tree('docs').find(({ isLeaf }) => isLeaf)!
  file.bytes[leaf.nodes[0]!.data + 4]! ^= 1
  file.save()
  const { message } = await fails(() => encrypt(path, { encryption: key }), 'CORRUPT')
  assert.doesNotMatch(message, new RegExp(MARKER))
  assert.deepEqual(leftovers(path), [])
  await (await open(path)).close()
})

/** A process that is killed has not removed the spaces of the old state. */
test(
  'what a killed replacement has left behind goes at the next open',
  unlessSealed(OWN_KEYS),
  async (t) => {
    const path = await filled(t)
    const old = join(await temporaryDirectory(t), 'old')
    cpSync(path, old, { recursive: true })
    await encrypt(path, { encryption: key })
    for (const name of readdirSync(join(old, 'spaces'))) {
      cpSync(join(old, 'spaces', name), join(path, 'spaces', name), { recursive: true })
    }
    // Without a sign of a replacement nobody looks, as the time to open does not depend on spaces.
    await (await open(path, { encryption: key })).close()
    assert.equal(showing(path).length, 2)
    const left = join(path, `restore-${'0'.repeat(32)}`)
    mkdirSync(left)
    writeFileSync(join(left, 'data.mdb'), MARKER)
    assert.equal(showing(path).length, 3)
    await (await open(path, { encryption: key })).close()
    assert.deepEqual(showing(path), [])
    assert.deepEqual(leftovers(path), [])
    await check(path, key)
  },
)
