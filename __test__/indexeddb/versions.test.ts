import assert from 'node:assert/strict'
import { test } from 'node:test'
import { temporaryDirectory } from '../support/database'
import { KINDS, startPeers } from './peers'

/** How often those who create and delete a database at once are raced. */
const ROUNDS = { process: 4, thread: 20 }

for (const kind of Object.keys(KINDS) as (keyof typeof KINDS)[]) {
  test(`a ${kind} makes way for a newer version in another one`, async (t) => {
    const path = await temporaryDirectory(t)
    const [first, second] = await startPeers(t, path, kind, kind)
    assert.deepEqual(await first!.do('open', 'db', 1, { closes: true }), {
      version: 1,
      stores: ['s'],
    })
    assert.deepEqual(await first!.event('upgradeneeded'), [0, 1])
    await first!.do('put', 'key', { group: 1 })
    assert.equal((await second!.do('open', 'db', 2)).version, 2)
    assert.deepEqual(await first!.event('versionchange'), [1, 2])
    assert.deepEqual(await second!.event('upgradeneeded'), [1, 2])
    assert.deepEqual(await second!.do('get', 'key'), { group: 1 })
    await assert.rejects(first!.do('open', 'db', 1), { name: 'VersionError' })
    assert.equal((await first!.do('open', 'db')).version, 2)
    for (const peer of [first!, second!]) {
      assert.deepEqual(peer.takeEvents(), [])
      await peer.end()
    }
  })

  test(`a ${kind} that does not make way blocks until it closes`, async (t) => {
    const path = await temporaryDirectory(t)
    const [first, second] = await startPeers(t, path, kind, kind)
    await first!.do('open', 'db', 1)
    await first!.event('upgradeneeded')
    const opened = second!.do('open', 'db', 5)
    assert.deepEqual(await first!.event('versionchange'), [1, 5])
    assert.deepEqual(await second!.event('blocked'), [1, 5])
    // It is blocked alone.
    await first!.do('put', 'key', { group: 1 })
    assert.equal(await first!.do('count'), 1)
    assert.deepEqual(second!.takeEvents(), [])
    await first!.do('close')
    assert.equal((await opened).version, 5)
    assert.deepEqual(await second!.event('upgradeneeded'), [1, 5])
    assert.equal(await second!.do('count'), 1)
    for (const peer of [first!, second!]) {
      assert.deepEqual(peer.takeEvents(), [])
      await peer.end()
    }
  })

  test(`a deletion waits until a ${kind} closes the database`, async (t) => {
    const path = await temporaryDirectory(t)
    const [first, second] = await startPeers(t, path, kind, kind)
    await first!.do('open', 'db', 3)
    await first!.event('upgradeneeded')
    await first!.do('put', 'key', { group: 1 })
    const removed = second!.do('remove', 'db')
    assert.deepEqual(await first!.event('versionchange'), [3, null])
    assert.deepEqual(await second!.event('blocked'), [3, null])
    assert.deepEqual(await first!.do('get', 'key'), { group: 1 })
    await first!.do('close')
    await removed
    assert.deepEqual(await first!.do('databases'), [])
    await first!.do('open', 'db', 1)
    assert.deepEqual(await first!.event('upgradeneeded'), [0, 1])
    assert.equal(await first!.do('count'), 0)
    for (const peer of [first!, second!]) {
      assert.deepEqual(peer.takeEvents(), [])
      await peer.end()
    }
  })

  test(`each ${kind} of several that open different versions at once gets its own`, async (t) => {
    const path = await temporaryDirectory(t)
    const versions = [3, 1, 2]
    const peers = await startPeers(t, path, ...versions.map(() => kind))
    for (let round = 0; round < ROUNDS[kind]; round++) {
      const name = `db ${round}`
      const open = async (peer: any, version: number) => {
        const opened = await peer.do('open', name, version, { upgrade: 'named', closes: true })
        assert.deepEqual(opened, { version, stores: [`version ${version}`] })
        return version
      }
      const outcomes = await Promise.allSettled(peers.map((peer, i) => open(peer, versions[i]!)))
      const opened: number[] = []
      for (const [i, outcome] of outcomes.entries()) {
        if (outcome.status === 'fulfilled') opened.push(outcome.value)
        // A newer version was there before: never for the newest.
        else if (outcome.reason.name !== 'VersionError' || versions[i] === 3) throw outcome.reason
      }
      assert.ok(opened.includes(3), `round ${round}: ${opened}`)
      const upgrades = peers.flatMap((peer) => peer.takeUpgrades()).toSorted((a, b) => a[1] - b[1])
      // Each upgrade begins at the version that the one before it has made.
      const expected = opened.toSorted((a, b) => a - b).map((to, i, all) => [all[i - 1] ?? 0, to])
      assert.deepEqual(upgrades, expected, `round ${round}`)
      assert.deepEqual(await peers[0]!.do('databases'), [{ name, version: 3 }])
      // Some have made way already, or have not got any.
      for (const peer of peers) await peer.do('close')
      await peers[0]!.do('remove', name)
      for (const peer of peers) peer.takeEvents()
    }
    for (const peer of peers) await peer.end()
  })

  test(`one ${kind} of several creates a database, and all may delete it`, async (t) => {
    const path = await temporaryDirectory(t)
    const peers = await startPeers(t, path, kind, kind, kind)
    for (let round = 0; round < ROUNDS[kind]; round++) {
      const opened = await Promise.all(peers.map((peer) => peer.do('open', `db ${round}`, 7)))
      const expected = peers.map(() => ({ version: 7, stores: ['s'] }))
      assert.deepEqual(opened, expected, `round ${round}`)
      for (const [i, peer] of peers.entries()) await peer.do('put', i, { group: 1 })
      for (const peer of peers) assert.equal(await peer.do('count'), 3)
      for (const peer of peers) await peer.do('close')
      const events = peers.flatMap((peer) => peer.takeEvents())
      // Whose turn is late may be told that it is blocked.
      const upgrades = events.filter((event) => event !== 'blocked')
      assert.deepEqual(upgrades, ['upgradeneeded'], `round ${round}`)
      await Promise.all(peers.map((peer) => peer.do('remove', `db ${round}`)))
      assert.deepEqual(await peers[0]!.do('databases'), [], `round ${round}`)
      for (const peer of peers) peer.takeEvents()
    }
  })
}
