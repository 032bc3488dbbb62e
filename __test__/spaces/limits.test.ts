import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { runChild } from '../support/child'

const PROGRAM = join(__dirname, 'limits.ts')
const skip = process.platform !== 'linux' && 'counting files and address space needs Linux'

/** In memory where that is possible: creating a database syncs it several times. */
function directory(t: TestContext): string {
  const parent = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
  const path = mkdtempSync(join(parent, 'lodestore-test-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** Runs a scenario under a limit of the shell's `ulimit`. */
async function run(t: TestContext, limit: string, scenario: string, count: number): Promise<any> {
  const wrapper = ['sh', '-c', `ulimit ${limit} && exec "$@"`, 'sh']
  const child = await runChild(PROGRAM, [directory(t), scenario, `${count}`], { wrapper })
  assert.equal(child.code, 0, child.stderr || `${child.signal}`)
  return child.said[0]
}

test('1,000 spaces opened in turn by a process that may have 1,024 files', { skip }, async (t) => {
  assert.deepEqual(await run(t, '-n 1024', 'in turn', 1000), { count: 1000 })
})

test('more spaces at once than files are allowed', { skip }, async (t) => {
  const { count, message } = await run(t, '-n 256', 'at once', 1000)
  t.diagnostic(`${count} spaces: ${message}`)
  assert.ok(count > 30, `only ${count} spaces`)
  assert.match(message, /no more files/)
})

test('more spaces at once than there is address space for', { skip }, async (t) => {
  const { count, message } = await run(t, '-v 67108864', 'at once', 1000)
  t.diagnostic(`${count} spaces: ${message}`)
  assert.ok(count > 10, `only ${count} spaces`)
  assert.match(message, /no more .*address space/)
})
