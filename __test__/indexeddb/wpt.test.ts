import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { temporaryDirectory } from '../support/database'

const root = join(__dirname, '..', '..')
const PINNED: Record<string, Record<string, string[]>> = JSON.parse(
  readFileSync(join(__dirname, 'wpt-results.json'), 'utf8'),
)

/** Results that are the pinned ones. */
const pinned = () =>
  Object.entries(PINNED).map(([file, lists]) => ({
    file,
    state: 'OK',
    subtests: Object.entries(lists).flatMap(([status, names]) =>
      names.map((name) => ({ name, status })),
    ),
  }))

async function compare(t: TestContext, results: unknown) {
  const file = join(await temporaryDirectory(t), 'results.json')
  writeFileSync(file, JSON.stringify({ results }))
  const args = [join(root, 'scripts', 'wpt.mjs'), '--results', file]
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  return { status, stderr, lines: stdout.trimEnd().split('\n') }
}

test('the pinned results of web-platform-tests are what is expected', async (t) => {
  const subtests = pinned().flatMap(({ subtests: all }) => all)
  const passing = subtests.filter(({ status }) => status === 'PASS')
  const failing = subtests.filter(({ status }) => !['PASS', 'NA'].includes(status))
  // Float16Array, which Node.js 20 has not; the test's own global in the place of a Window.
  assert.deepEqual([passing.length, failing.length], [1511, 2])
  const { status, lines } = await compare(t, pinned())
  assert.equal(status, 0)
  assert.match(lines[0]!, /^1520 results of 208 files: 0 worse, 0 better$/)
})

test('results that are worse than the pinned ones are named', async (t) => {
  const results = pinned()
  const failed = results[3]!.subtests.find(({ status }) => status === 'PASS')!
  failed.status = 'FAIL'
  const missing = results[5]!.subtests.pop()!
  results[7]!.state = 'HANG'
  const { file } = results.pop()!
  const { status, stderr, lines } = await compare(t, results)
  assert.equal(status, 1)
  assert.match(stderr, /results of web-platform-tests are worse/)
  const worse = (index: number, name: string, change: string) =>
    assert.ok(lines.includes(`WORSE   ${results[index]!.file}: ${name}: ${change}`), name)
  worse(3, failed.name, 'PASS → FAIL')
  worse(5, missing.name, 'PASS → MISSING')
  worse(7, '(the file as a whole)', 'MISSING → HANG')
  assert.ok(lines.some((line) => line.startsWith(`WORSE   ${file}: `)))
})

test('results that are better are no failure', async (t) => {
  const results = pinned()
  const failing = results.flatMap(({ subtests }) => subtests).filter((s) => s.status === 'FAIL')
  for (const each of failing) each.status = 'PASS'
  const { status, lines } = await compare(t, results)
  assert.equal(status, 0)
  assert.match(lines.at(-1)!, /: 0 worse, 2 better$/)
})
