import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seed } from '../support/random'
import { describe, measure } from './check'
import { trend } from './slope'

const SECONDS = 30
/** Other systems tell less about a process's memory. */
const skip = process.platform !== 'linux'

test(`mixed work leaves memory as it is (LODESTORE_SEED=${seed})`, { skip }, async (t) => {
  const measured = await measure(SECONDS)
  t.diagnostic(describe(measured))
  assert.ok(!measured.leaks, describe(measured))
})

test('what is leaked on purpose is noticed', { skip }, async (t) => {
  const measured = await measure(0, { rounds: 25, leak: true })
  t.diagnostic(describe(measured))
  assert.ok(measured.leaks, describe(measured))
})

test('a trend is told from noise and steps', () => {
  const noise = [5, 1, 4, 2, 5, 3, 1, 4, 2, 3]
  assert.ok(trend(noise).rising < 0.6)
  assert.ok(Math.abs(trend(noise).growth) < 3)
  const growing = noise.map((value, at) => value + 10 * at)
  assert.ok(trend(growing).rising > 0.95)
  assert.ok(Math.abs(trend(growing).growth - 90) < 5)
  // One outlier moves nothing.
  assert.equal(trend([1, 1, 1, 1, 900, 1, 1, 1]).growth, 0)
})
