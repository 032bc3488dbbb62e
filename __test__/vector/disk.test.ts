// What is on disk of the files of graphs, and when; and what becomes of it if that cannot be.

import assert from 'node:assert/strict'
import { realpathSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { Child } from '../support/child'
import { temporaryDirectory } from '../support/database'
import { ioEnvironment, noPreload, readLog } from '../support/preload'
import { Random, seed } from '../support/random'
import { unlessSealed } from '../support/sealed'
import type { Work } from './disk-writer'
import { FIRST, check, graphFiles, isBuilt, isKept, openKept, type Model } from './kept'

const skip = noPreload()

/** Has a process do its work under the preload library; gives what it says. */
async function run(t: TestContext, work: Pick<Work, 'isSealed' | 'rules'>) {
  const temporary = realpathSync(await temporaryDirectory(t))
  const [directory, log] = [join(temporary, 'watched'), join(temporary, 'log')]
  const path = join(directory, 'db')
  const child = new Child(join(__dirname, 'disk-writer.ts'), [], {
    env: ioEnvironment({ directory, log }),
  })
  t.after(() => child.kill())
  child.say({ path, seed, ...work })
  const said = await child.next<any>()
  assert.equal(said.failure, undefined)
  await child.ended
  return { path, log, said }
}

const { skip: skipSealed } = unlessSealed('it looks for the record in the journal')
const always = { skip: skip || skipSealed }

test('a file is on disk before it is named, and until the next one is', always, async (t) => {
  const { log } = await run(t, { isSealed: false })
  const records = readLog(log)
  const paths = new Map<number, string>()
  const [created, syncedFiles, unlinked] = [new Map(), new Map(), new Map()] as Map<
    string,
    number
  >[]
  const [syncedDirectories, syncedJournals] = [[], []] as number[][]
  for (const [at, { type, file, payload }] of records.entries()) {
    const path = type === 'sync' ? (paths.get(file) ?? '') : payload.toString()
    if (type === 'open') {
      paths.set(file, path)
      if (path.endsWith('.graph') && !created!.has(path)) created!.set(path, at)
    } else if (type === 'sync') {
      if (path.endsWith('.graph')) syncedFiles!.set(path, at)
      else if (path.endsWith('/vectors')) syncedDirectories!.push(at)
      else if (path.endsWith('/data.journal')) syncedJournals!.push(at)
    } else if (type === 'unlink') unlinked!.set(path, at)
  }
  const files = [...created!.keys()]
  assert.equal(files.length, 2)
  const named = files.map((path) => {
    const id = Buffer.from(path.split('/').at(-1)!.replace('.graph', ''), 'hex')
    const at = records.findIndex(({ type, payload }) => type === 'write' && payload.includes(id))
    assert.ok(at > 0, 'a record names it')
    const synced = syncedFiles!.get(path)
    assert.ok(synced !== undefined && synced > created!.get(path)! && synced < at, 'its bytes')
    assert.ok(
      syncedDirectories!.some((each) => each > created!.get(path)! && each < at),
      'its name',
    )
    return at
  })
  const removed = unlinked!.get(files[0]!)
  assert.ok(removed !== undefined && !unlinked!.has(files[1]!))
  assert.ok(
    syncedJournals!.some((each) => each > named[1]! && each < removed),
    'the record of the next one is on disk before the file is removed',
  )
})

const FAULTS: [string, boolean, RegExp][] = [
  ['fail other-sync 1+ EIO', false, /^IO: .*cannot sync the file of a graph/],
  ['fail dir-sync 1+ EIO', false, /^IO: /],
  ['fail other-write 1+ ENOSPC', true, /^DISK_FULL: .*cannot write the file of a graph/],
]

for (const [rules, isSealed, expected] of FAULTS) {
  const how = isSealed ? ', sealed' : ''
  test(`${rules}${how}: it is told, and searches go on by the graph`, { skip }, async (t) => {
    const { path, said } = await run(t, { isSealed, rules })
    const { warnings: told, files, method, inFile } = said
    assert.equal(told.length, 1)
    const text = `${told[0].code}: ${told[0].message}`
    assert.match(text, /the graph of a vector index cannot be kept in a file/)
    assert.match(text, expected)
    assert.deepEqual([files, method, inFile], [[], 'graph', 0])
    // The next process finds nothing that is of no use, and keeps the graph.
    const options = isSealed ? { encryption: { key: Buffer.alloc(32, 3) } } : {}
    const db = await openKept(path, options)
    t.after(() => db.close())
    const warnings: unknown[] = []
    db.on('warning', (each: unknown) => warnings.push(each))
    const [random, docs] = [new Random(seed), db.store('docs') as any]
    assert.equal((await isBuilt(random, docs)).fromFile, 0)
    await isKept(random, docs, FIRST)
    assert.equal((await graphFiles(path)).length, 1)
    const model: Model = new Map()
    for (const document of await docs.getAll()) model.set(document.id, document)
    await check(random, docs, model)
    assert.deepEqual(warnings, [])
  })
}
