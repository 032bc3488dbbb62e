import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

const root = join(__dirname, '..', '..')
const read = (...path: string[]) => readFileSync(join(root, ...path), 'utf8')
const readJson = (...path: string[]) => JSON.parse(read(...path))

const manifest = readJson('scripts', 'runtimes', 'package.json')
const packages: Record<string, string> = {
  ...manifest.dependencies,
  ...manifest.optionalDependencies,
}

test('every runtime has one exact version, and the lock file has the same', () => {
  const lock = readJson('scripts', 'runtimes', 'package-lock.json')
  const [own] = [lock.packages['']]
  assert.deepEqual({ ...own.dependencies, ...own.optionalDependencies }, packages)
  for (const [name, wanted] of Object.entries(packages)) {
    assert.match(wanted, /^(npm:[\w-]+@)?\d+\.\d+\.\d+$/, name)
    assert.equal(lock.packages[`node_modules/${name}`].version, wanted.split('@').at(-1), name)
  }
})

test('the runtimes are those of the manifest, and docs/guide.md names their versions', async () => {
  const { RUNTIMES, versionOf } = await import('../../scripts/runtimes/runtimes.mjs')
  const used = new Set(RUNTIMES.map((runtime: { package: string }) => runtime.package))
  assert.deepEqual([...used].toSorted(), Object.keys(packages).toSorted())

  const chapter = read('docs', 'guide.md')
    .split('\n## ')
    .find((text) => text.startsWith('Runtimes\n'))
  const rows = Array.from(chapter?.matchAll(/^\| ([\w.]+) (\d+\.\d+\.\d+) \|/gm) ?? [])
  const listed = rows.map(([, name, version]) => `${name} ${version}`)
  const names = { node: 'Node.js', bun: 'Bun', deno: 'Deno' } as const
  const wanted = RUNTIMES.filter(({ restricted }) => !restricted).map(
    (runtime) => `${names[runtime.kind as keyof typeof names]} ${versionOf(runtime)}`,
  )
  assert.deepEqual(listed.toSorted(), wanted.toSorted())
})

test('what the runtimes report is counted alike', async () => {
  const { countTests } = await import('../../scripts/runtimes/results.mjs')
  for (const [kind, report] of Object.entries(REPORTS)) {
    // Only Node.js says why.
    const skips = [{ name: 's', reason: kind === 'node' ? 'why' : '' }]
    const expected = { passed: 2, failed: 1, skipped: 1, skips }
    assert.deepEqual(countTests(kind as 'node' | 'bun' | 'deno', report), expected, kind)
    assert.deepEqual(countTests(kind as 'node' | 'bun' | 'deno', ''), NOTHING, kind)
  }
})

test('every skip has a reason', async () => {
  const { explainSkips } = await import('../../scripts/runtimes/skips.mjs')
  const explain = (kind: string, file: string, reason: string): string[] => {
    const skips = [
      { name: 'a', reason },
      { name: 'b', reason },
    ]
    const counts = { passed: 0, failed: 0, skipped: skips.length, skips }
    return explainSkips(
      { name: kind, package: kind, kind },
      new Map([[`__test__/${file}`, counts]]),
    )
  }
  const said = explain('node', 'x.test.ts', 'why')
  assert.deepEqual(said, ['node skips 2 of __test__/x.test.ts: why'])
  const [line] = explain('bun', 'runtimes/deno.test.ts', '')
  assert.match(line!, /^bun skips 2 of .*: only Deno asks for permissions$/)
  assert.throws(() => explain('deno', 'runtimes/deno.test.ts', ''), /"a" of .* without a reason/)
})

const NOTHING = { passed: 0, failed: 0, skipped: 0, skips: [] }

/** A test with two parts, one of which fails; one that is skipped; one that passes; a suite. */
const REPORTS = {
  node: `<?xml version="1.0" encoding="utf-8"?>
<testsuites>
  <testsuite name="a > b" tests="2" failures="1" skipped="0">
    <testcase name="sub" classname="test"/>
    <testcase name="sub2" classname="test" failure="x&lt;/testcase>">
      <failure type="testCodeFailure" message="x&lt;/testcase>">x&lt;/testcase></failure>
    </testcase>
  </testsuite>
  <testcase name="s" classname="test"><skipped type="skipped" message="why"/></testcase>
  <testcase name="s2" classname="test"/>
  <testsuite name="d" tests="1"><testcase name="in d" classname="test"/></testsuite>
</testsuites>`,
  bun: `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="bun test" tests="4" failures="1" skipped="1">
  <testsuite name="file.test.ts" tests="4" failures="1" skipped="1">
    <testcase name="a &gt; b">
      <failure type="Error" message="1">x&lt;/testcase&gt;</failure>
    </testcase>
    <testcase name="s" line="3"><skipped /></testcase>
    <testcase name="s2" line="5" assertions="0" />
    <testsuite name="d" tests="1"><testcase name="in d" classname="d" /></testsuite>
  </testsuite>
</testsuites>`,
  deno: `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="deno test" tests="7" failures="2" errors="0">
  <testsuite name="./file.test.ts" tests="6" disabled="1" failures="2">
    <testcase name="a &gt; b"><failure message="1 step">1 test step failed.</failure></testcase>
    <testcase name="s"><skipped/></testcase>
    <testcase name="s2"></testcase>
    <testcase name="d"></testcase>
    <testcase name="a &gt; b &gt; sub"></testcase>
    <testcase name="a &gt; b &gt; sub2">
      <failure message="x">x&lt;/testcase&gt;</failure>
    </testcase>
  </testsuite>
  <testsuite name="ext:deno_node/testing.ts" tests="1">
    <testcase name="d &gt; in d"></testcase>
  </testsuite>
</testsuites>`,
}
