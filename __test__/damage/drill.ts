/**
 * The damage drill: random bytes over random pages of a database; then `verify` must notice, and
 * `repair` must give back every document that was not hit, and report the others.
 */

import assert from 'node:assert/strict'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { open, repair } from '../../index.js'
import type { EncryptionOptions, RepairReport } from '../../index.js'
import { Random } from '../support/random'
import { isSame } from '../support/same'
import { layoutOf, type Layout, type Owner } from './layout'
import { RECORDS, sealedLayoutOf, type KeysHit } from './sealed-layout'
import { NAMES, bytesOf, create, versionOf, type Contents, type Doc } from './source'

/** What happened in all rounds. */
export interface Tally {
  rounds: number
  /** Rounds in which the database could not be opened any more. */
  refused: number
  /** Rounds in which nothing that means anything was hit. */
  harmless: number
  /** Rounds in which keys were hit, but not what stands for them a second time. */
  spared: number
  /** Rounds in which keys were hit, and nothing could be decrypted any more. */
  locked: number
  /** Documents that were hit, and how many of all were not given back. */
  hit: number
  lost: number
  /** Documents that may be of an older state, and were. */
  uncertain: number
}

/** A database to be damaged again and again. */
export interface Subject {
  directory: string
  sound: Buffer
  layout: Layout
  contents: Contents
  /** The tree id of each store. */
  trees: Record<string, number>
  /** What opens it, if it is sealed. */
  encryption?: EncryptionOptions | undefined
  /** What damage takes of that without which nothing of a sealed database can be read. */
  keysHit: (places: readonly number[]) => KeysHit
}

const KEY = new Uint8Array(32).fill(9)

/** Makes the database. */
export async function prepare(
  directory: string,
  count: number,
  isSealed: boolean,
): Promise<Subject> {
  const path = join(directory, 'sound')
  const encryption = isSealed ? { key: KEY } : undefined
  const contents = await create(path, count, encryption)
  const sealed = isSealed ? sealedLayoutOf(path, KEY) : undefined
  const layout = sealed ?? layoutOf(path)
  const keysHit = sealed?.keysHit ?? (() => 'none')
  const trees: Record<string, number> = {}
  for (const name of NAMES) {
    const { size } = contents[name]
    const [tree] = [...layout.counts].find(([, documents]) => documents === size)!
    trees[name] = tree
  }
  return { directory, sound: bytesOf(path), layout, contents, trees, encryption, keysHit }
}

/** Writes random bytes over random pages; gives the places that have changed. */
function damage(bytes: Buffer, { layout: { file } }: Subject, random: Random): number[] {
  const changed: number[] = []
  const pages = random.weighted([
    [4, 1],
    [3, random.between(2, 5)],
    [1, random.between(6, 40)],
  ])
  for (let i = 0; i < pages; i++) {
    const page = random.chance(0.02) ? random.below(2) : random.below(file.lastPage + 1)
    const whole = random.chance(0.3)
    const from = whole ? 0 : random.below(file.pageSize)
    const length = whole ? file.pageSize : random.pick([1, 2, 8, 64, 400])
    for (let at = from; at < Math.min(from + length, file.pageSize); at++) {
      const place = page * file.pageSize + at
      if (place >= bytes.length) break
      const byte = random.below(256)
      if (bytes[place] !== byte) changed.push(place)
      bytes[place] = byte
    }
  }
  return changed
}

/** One round. */
export async function round(subject: Subject, seed: number, tally: Tally): Promise<void> {
  const random = new Random(seed)
  const bytes = Buffer.from(subject.sound)
  const { file, meaningful, freeList } = subject.layout
  const places = damage(bytes, subject, random)
  const pageOf = (place: number): number => Math.floor(place / file.pageSize)
  const path = join(subject.directory, 'damaged')
  const target = join(subject.directory, 'repaired')
  rmSync(path, { recursive: true, force: true })
  rmSync(target, { recursive: true, force: true })
  mkdirSync(path)
  writeFileSync(join(path, 'data.mdb'), bytes)
  const hits = subject.layout.ownersOf(places)
  const means = (what: number) => places.some((place) => meaningful[place] === what)
  const isNoticeable = means(1)
  const hitsMeta = places.some((place) => pageOf(place) < 2)
  const hitsFreeList = places.some((place) => freeList.has(pageOf(place)))
  const isHarmless = !isNoticeable && !means(2) && !hitsMeta
  const { encryption } = subject
  const refused = await verified(path, encryption, isNoticeable, isHarmless)
  tally.rounds++
  tally.refused += Number(refused)
  tally.harmless += Number(isHarmless)
  const keys = subject.keysHit(places)
  const takesKeys = keys === 'both'
  tally.spared += Number(keys === 'one')
  const report = await repair(path, target, { encryption }).catch((error: any) => {
    assert.ok(takesKeys, error)
    assert.match(error.code, /^(CORRUPT|WRONG_KEY)$/, error)
  })
  if (report === undefined) {
    tally.locked++
    return
  }
  if (hits.length > 0) assert.equal(report.ok, false, 'repair says that nothing was damaged')
  // Then nobody can tell for certain which of several versions is the newest.
  const isVague = hitsMeta || hitsFreeList
  await compare(subject, target, report, takesKeys ? 'all' : hits, isVague, tally)
}

/** Whether an open refuses; otherwise `verify` must find what it has to. */
async function verified(
  path: string,
  encryption: EncryptionOptions | undefined,
  mustFind: boolean,
  isHarmless: boolean,
): Promise<boolean> {
  let db
  try {
    db = await open(path, { mode: 'readOnly', encryption })
  } catch (error: any) {
    assert.match(error.code, /^(CORRUPT|NOT_A_DATABASE|INCOMPATIBLE_VERSION|WRONG_KEY)$/, error)
    return true
  }
  const report = await db.verify()
  if (mustFind) assert.equal(report.ok, false, 'verify noticed nothing')
  else if (isHarmless) assert.deepEqual(report.findings.slice(0, 3), [], 'nothing was hit')
  await db.close()
  return false
}

async function compare(
  { contents, trees, encryption }: Subject,
  target: string,
  report: RepairReport,
  hits: readonly Owner[] | 'all',
  isVague: boolean,
  tally: Tally,
): Promise<void> {
  // Records of a sealed database stand in few blocks: all states of them may be hit. Then what
  // documents are like is lost, which has to be told.
  const hitsRecords = hits !== 'all' && hits.some(({ tree }) => tree === RECORDS.tree)
  const db = (await open(target, { mode: 'open', encryption })) as any
  assert.deepEqual((await db.verify()).findings, [])
  for (const name of NAMES) {
    const ofStore = hits === 'all' ? [] : hits.filter(({ tree }) => tree === trees[name])
    const hitKeys = new Set(hits === 'all' ? contents[name].keys() : ofStore.map(({ key }) => key))
    // One whose record was hit is saved under the number of its tree.
    const names = [name, `recovered-${trees[name]}`]
    const store = report.stores.find((each) => names.includes(each.name))
    const saved = new Map<number | string, Doc>()
    if (store !== undefined) {
      for await (const doc of db.store(store.name).range()) saved.set(doc.id, doc)
      assert.equal(store.documents, saved.size)
    }
    const isShapeLost =
      hitsRecords &&
      report.findings.some((each) => each.store === name && /names a shape/.test(each.message))
    let lost = 0
    for (const [key, doc] of contents[name]) {
      const found = saved.get(key)
      const wasHit = hitKeys.has(key)
      tally.hit += Number(wasHit)
      if (found === undefined) {
        lost++
        assert.ok(
          wasHit || isShapeLost,
          `${name} ${String(key).slice(-9)} was not hit, and is lost`,
        )
      } else if (!isSame(found, doc)) {
        assertOlder(name, found, (store?.uncertain ?? 0) > 0 || (isVague && wasHit))
      }
    }
    for (const [key, doc] of saved) {
      if (!contents[name].has(key)) assertOlder(name, doc, store!.uncertain > 0)
    }
    tally.lost += lost
    tally.uncertain += store?.uncertain ?? 0
    if (lost > 0) {
      assert.equal(report.ok, false)
      if (store !== undefined && store.lost !== null) {
        assert.ok(store.lost >= lost, `${name}: ${lost} are lost, ${store.lost} reported`)
      }
      // Keys that are named are not there; a few never were, since entries were hit themselves.
      for (const key of store?.lostKeys ?? [])
        assert.ok(!saved.has(key as number), `${name} ${key}`)
    }
  }
  await db.close()
}

/** A document that is not the newest version may be an older one, if the report says so. */
function assertOlder(store: string, doc: Doc, isAllowed: boolean): void {
  assert.ok(isAllowed, `${store} ${String(doc.id).slice(-9)} is of another state`)
  assert.ok(isSame(doc, versionOf(store, doc)), `${store} ${doc.id} never was`)
}

export const emptyTally = (): Tally => ({
  rounds: 0,
  refused: 0,
  harmless: 0,
  spared: 0,
  locked: 0,
  hit: 0,
  lost: 0,
  uncertain: 0,
})
