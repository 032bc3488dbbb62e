import assert from 'node:assert/strict'
import { realpathSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { open } from '../../index.js'
import { runChild, type Ended } from '../support/child'
import { temporaryDirectory } from '../support/database'
import {
  ioEnvironment,
  noPreload,
  readCounts,
  readLog,
  type IoRecord,
  type Kind,
} from '../support/preload'

const skip = noPreload()

interface Run {
  ended: Ended
  log: IoRecord[]
  counts: Record<Kind, number>
  directory: string
}

/** Runs commits under the library. */
async function commits(
  t: TestContext,
  count: number,
  rules: string,
  durabilities: string[] = ['strict'],
  reads = true,
): Promise<Run> {
  const temporary = realpathSync(await temporaryDirectory(t))
  const directory = join(temporary, 'watched')
  const [log, counts] = [join(temporary, 'log'), join(temporary, 'counts')]
  const env = ioEnvironment({ directory, log, counts, rules })
  const program = join(__dirname, 'preload.ts')
  const how = reads ? 'reads' : 'writes'
  const ended = await runChild(program, [directory, String(count), how, ...durabilities], { env })
  return { ended, log: readLog(log), counts: readCounts(counts), directory }
}

/**
 * What happened to the data file between the marks of commits: `w`rites, `s`yncs, `m`eta page; and
 * to the journal: `h`eaders, `r`ecords, syncs `j`.
 */
function sequences(log: IoRecord[]): Map<string, string> {
  const data = new Set<number>()
  const journal = new Set<number>()
  const found = new Map<string, string>()
  let sequence = ''
  for (const { type, file, flags, offset, payload } of log) {
    if (type === 'open' && payload.toString().endsWith('/data.mdb')) data.add(file)
    if (type === 'open' && payload.toString().endsWith('/data.journal')) journal.add(file)
    if (type === 'mark') {
      found.set(payload.toString(), sequence)
      sequence = ''
    } else if (data.has(file) && type === 'write') {
      sequence += offset >= 8_192 ? 'w' : flags === 0 ? 'm' : 'M'
    } else if (data.has(file) && (type === 'sync' || type === 'skipped')) {
      sequence += type === 'sync' ? 's' : 'x'
    } else if (journal.has(file) && type === 'write') {
      sequence += offset >= 8_192 ? 'r' : 'h'
    } else if (journal.has(file) && (type === 'sync' || type === 'skipped')) {
      sequence += type === 'sync' ? 'j' : 'x'
    }
  }
  return found
}

test('the log shows commits of each durability', { skip }, async (t) => {
  const { ended, log, counts } = await commits(t, 5, '', ['strict', 'relaxed', 'none'])
  assert.equal(ended.code, 0, ended.stderr)
  const found = sequences(log)
  // The journal begins with the second commit, and its file grows first.
  assert.match(found.get('strict 0')!, /^shhjmsw+mrrj$/)
  assert.match(found.get('relaxed 0')!, /^shhjmsw+mrr$/)
  for (let i = 1; i < 5; i++) {
    assert.match(found.get(`strict ${i}`)!, /^w+mrj$/)
    assert.match(found.get(`relaxed ${i}`)!, /^w+mr$/)
    assert.match(found.get(`none ${i}`)!, /^w+m$/)
  }
  const writes = log.filter(({ type }) => type === 'write').length
  const kinds = ['data-write', 'meta-write', 'journal-write', 'other-write'] as const
  assert.equal(
    kinds.reduce((sum, kind) => sum + counts[kind], 0),
    writes,
  )
})

test('the log shows commits that are deferred', { skip }, async (t) => {
  const kinds = [
    ['strict', 'rj'],
    ['relaxed', 'r'],
  ] as const
  // What was deferred is committed where nothing comes for a while, as on a machine that is busy.
  let told: string[] = []
  for (let attempt = 0; attempt < 5; attempt++) {
    const { ended, log } = await commits(t, 100, '', ['strict', 'relaxed'], false)
    assert.equal(ended.code, 0, ended.stderr)
    const found = sequences(log)
    const ofKind = kinds.map(([durability]) =>
      Array.from({ length: 98 }, (_, i) => found.get(`${durability} ${i + 2}`)!),
    )
    for (const all of ofKind) {
      assert.ok(all.join('').includes('wm'), 'a commit is made now and then')
    }
    const most = ofKind.map((all, i) => all.filter((each) => each === kinds[i]![1]).length)
    if (most.every((count) => count > 60)) return
    told = ofKind.map((all) => all.join(' '))
  }
  assert.fail(told.join('; '))
})

test('a skipped sync is in the log as one', { skip }, async (t) => {
  const { ended, log } = await commits(t, 5, 'skip journal-sync 3+')
  assert.equal(ended.code, 0, ended.stderr)
  assert.match(sequences(log).get('strict 4')!, /^w+mrx$/)
})

test('a call fails as told', { skip }, async (t) => {
  const { ended } = await commits(t, 5, 'fail journal-sync 4 EIO')
  assert.equal(ended.code, 1)
  assert.match(ended.stderr, /code: 'IO'/)
})

test('the process is killed where told', { skip }, async (t) => {
  for (const [rule, tail] of [
    ['kill-before meta-write 6', /w$/],
    ['kill-inside data-write 20', /w$/],
    ['kill-before journal-write 5', /wm$/],
    ['kill-inside journal-write 5', /wmr$/],
  ] as const) {
    const { ended, log, directory } = await commits(t, 100, rule)
    assert.equal(ended.signal, 'SIGKILL', `${rule}: ${ended.stderr}`)
    const marked = log.filter(({ type }) => type === 'mark').length - 1
    const end = { ...log[0]!, type: 'mark' as const, payload: Buffer.from('end') }
    assert.match(sequences([...log, end]).get('end')!, tail, rule)
    const again = await open(join(directory, 'strict'))
    assert.equal(await again.store('s').count(), marked, rule)
    await again.close()
  }
})
