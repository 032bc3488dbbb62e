import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { Child } from '../support/child'
import { temporaryDirectory } from '../support/database'

/** A page beyond the end of a mapped file ends the process, so another one does the opening. */
test('a truncated data file is refused, or whole, at every length', async (t) => {
  const child = new Child(join(__dirname, 'truncated.ts'), [await temporaryDirectory(t)])
  let last: unknown
  const outcomes: Record<string, number> = {}
  for (;;) {
    const said = await child.next().catch((error) => ({ failure: `${error}, after ${last}` }))
    assert.equal(said.failure, undefined)
    if (said.done) break
    last = said.length
    outcomes[said.outcome] = (outcomes[said.outcome] ?? 0) + 1
  }
  assert.equal((await child.ended).code, 0)
  assert.ok(outcomes['CORRUPT']! > 50, JSON.stringify(outcomes))
  assert.ok(outcomes['whole']! > 0, JSON.stringify(outcomes))
  t.diagnostic(JSON.stringify(outcomes))
})
