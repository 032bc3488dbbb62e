import assert from 'node:assert/strict'
import { test } from 'node:test'

type IsAllowed = (expression: string, allowed: Set<string>) => boolean

async function isAllowed(expression: string): Promise<boolean> {
  const licenses: { isAllowed: IsAllowed } = await import('../../scripts/licenses.mjs')
  return licenses.isAllowed(expression, new Set(['MIT', 'ISC', 'Apache-2.0 WITH LLVM-exception']))
}

test('a licence expression is allowed when a choice is', async () => {
  for (const expression of [
    'MIT',
    'MIT OR GPL-3.0',
    'GPL-3.0/MIT',
    'MIT AND ISC',
    'GPL-3.0 OR MIT AND ISC',
    '(MIT OR GPL-3.0) AND ISC',
    'Apache-2.0 WITH LLVM-exception',
  ]) {
    assert.equal(await isAllowed(expression), true, expression)
  }
})

test('a licence expression is refused when no choice is allowed', async () => {
  for (const expression of [
    'GPL-3.0',
    'MIT AND GPL-3.0',
    'GPL-3.0 OR LGPL-3.0',
    '(MIT AND GPL-3.0) OR (ISC AND GPL-3.0)',
    'Apache-2.0',
    'Apache-2.0 WITH Other-exception',
    'none stated',
  ]) {
    assert.equal(await isAllowed(expression).catch(() => false), false, expression)
  }
})

test('a malformed licence expression is an error', async () => {
  for (const expression of ['(MIT', 'MIT ISC', 'none stated']) {
    await assert.rejects(isAllowed(expression), /licence expression/)
  }
})
