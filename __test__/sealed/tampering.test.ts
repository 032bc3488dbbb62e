// Bits of an encrypted database's file that LMDB reads: its head, and the heads and entries of
// pages. Those of blocks and records, and whole blocks, are those of tests/sealed_tampering.rs.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { open } from '../../index.js'
import { Child } from '../support/child'
import { temporaryDirectory } from '../support/database'
import { DataFile } from '../support/pages'
import { Random, seed } from '../support/random'
import type { Order } from './tamperer'

const key = Array.from({ length: 32 }, (_, i) => i)
const COUNT = Number(process.env.LODESTORE_TAMPERED ?? 120)
/** What of a meta page is in use. */
const META = 152

const REPORTS = ['CORRUPT', 'WRONG_KEY', 'NOT_A_DATABASE', 'INCOMPATIBLE_VERSION', 'RESOURCE_LIMIT']

test(`a changed bit is reported, or has no effect (LODESTORE_SEED=${seed})`, async (t) => {
  const scratch = await temporaryDirectory(t)
  const path = join(scratch, 'sound')
  const encryption = { key: Uint8Array.from(key) }
  const stores = { s: { keyPath: 'id', indexes: { byName: { on: 'name' } } } }
  const db = (await open(path, { encryption, stores })) as any
  for (const name of ['first', 'second']) {
    const pad = 'x'.repeat(40)
    await db.store('s').putMany(Array.from({ length: 400 }, (_, id) => ({ id, name, pad })))
  }
  await db.close()
  const older = readFileSync(join(path, 'data.mdb')).toString('base64')
  const again = (await open(path, { encryption })) as any
  await again.store('s').put({ id: 400, name: 'large', pad: 'y'.repeat(20_000) })
  await again.close()
  const file = new DataFile(path)
  const random = new Random(seed)
  const pages = [
    ...file.tree('docs'),
    ...file.tree('meta'),
    file.page(file.number(file.meta + 128)),
  ]
  const places: Record<string, () => number> = {
    'the head of the file': () => random.below(2) * file.pageSize + random.below(META),
    'heads of pages': () => random.pick(pages).at + random.below(16),
    'slots of pages': () => {
      const { at, nodes } = random.pick(pages)
      return at + 16 + random.below(nodes.length * 2)
    },
    'keys and sizes': () => {
      const { at, data } = random.pick(random.pick(pages).nodes)
      return at + random.below(data - at)
    },
    'heads of blocks': () => {
      const nodes = file.tree('docs').flatMap((page) => (page.isLeaf ? page.nodes : []))
      return file.overflow(random.pick(nodes))!.first * file.pageSize + random.below(16)
    },
  }
  for (const [what, place] of Object.entries(places)) {
    const child = new Child(join(__dirname, 'tamperer.ts'))
    t.after(() => child.kill())
    const chosen = Array.from(
      { length: COUNT },
      () => [place(), random.below(8)] as [number, number],
    )
    const order: Order = {
      file: file.bytes.toString('base64'),
      older,
      scratch,
      key,
      places: chosen,
    }
    child.say(order)
    const counts = { same: 0, older: 0, reported: 0 }
    let last: unknown
    for (;;) {
      const said = await child.nextOrEnd<any>()
      if (said === undefined) {
        const { code, signal, stderr } = await child.ended
        assert.fail(
          `${what}: ${JSON.stringify(last)} ended the process: ${code ?? signal} ${stderr}`,
        )
      }
      if (said.done) break
      if (said.begins !== undefined) last = said.begins
      else if (said.outcome === 'same') counts.same++
      // Which of two states is the newer one is a number in the head, which nothing protects.
      else if (said.outcome === 'older' && what === 'the head of the file') counts.older++
      else {
        assert.ok(REPORTS.includes(said.outcome), `${what} ${JSON.stringify(last)} ${said.outcome}`)
        counts.reported++
      }
    }
    t.diagnostic(`${what}: ${JSON.stringify(counts)}`)
    assert.equal(counts.same + counts.older + counts.reported, COUNT)
    // LMDB does not read the head of the page that a block has for itself.
    assert.equal(counts.reported > 0, what !== 'heads of blocks', what)
  }
})
