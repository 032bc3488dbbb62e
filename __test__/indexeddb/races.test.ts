import assert from 'node:assert/strict'
import { test } from 'node:test'
import { temporaryDirectory } from '../support/database'
import { Random, seed } from '../support/random'
import { startPeers } from './peers'

const MILLISECONDS = 5000
const KINDS = ['thread', 'thread', 'process', 'process', 'process'] as const

/** What may become of a request to open a database. */
const OUTCOMES = ['VersionError', 'AbortError']

test(`nobody waits for ever, whoever opens, deletes, dies (LODESTORE_SEED=${seed})`, async (t) => {
  const path = await temporaryDirectory(t)
  const end = performance.now() + MILLISECONDS
  const counts = { opened: 0, failed: 0, removed: 0, killed: 0 }

  const open = async (peer: any, random: Random) => {
    const [known] = await peer.do('databases')
    const newer = random.chance(0.4) ? (known?.version ?? 0) + 1 : null
    const upgrade = random.chance(0.2) ? 'undone' : 'named'
    try {
      const { version, stores } = await peer.do('open', 'db', newer, { upgrade, closes: true })
      assert.deepEqual(stores, [`version ${version}`])
      counts.opened++
    } catch (error: any) {
      if (!OUTCOMES.includes(error.name)) throw error
      counts.failed++
      return
    }
    await peer.do('close')
  }

  const work = async (kind: (typeof KINDS)[number], random: Random) => {
    let [peer] = await startPeers(t, path, kind)
    while (performance.now() < end) {
      if (random.chance(0.1)) {
        await peer!.do('remove', 'db')
        counts.removed++
      } else if (kind === 'process' && random.chance(0.05)) {
        const cutOff = open(peer, random).catch(() => {})
        await peer!.do('databases')
        await peer!.kill()
        await cutOff
        counts.killed++
        ;[peer] = await startPeers(t, path, kind)
      } else {
        await open(peer, random)
      }
      peer!.takeEvents()
    }
    await peer!.end()
  }

  await Promise.all(KINDS.map((kind, i) => work(kind, new Random(seed + i))))
  t.diagnostic(JSON.stringify(counts))
  for (const [what, count] of Object.entries(counts)) assert.ok(count > 0, `none was ${what}`)
})
