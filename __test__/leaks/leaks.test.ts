import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Random, seed } from '../support/random'
import { isSealed } from '../support/sealed'
import { describe, isLeak, measure } from './check'
import { trend } from './slope'

const SECONDS = 30
/** Other systems tell less about a process's memory. */
const skip = process.platform !== 'linux' && 'memory is told by Linux only'
/** The cache of decrypted nodes is not full after that time: what fills it looks like a leak. */
const filling = isSealed && 'on encrypted databases: the cache of nodes takes minutes to fill'

test(
  `mixed work leaves memory as it is (LODESTORE_SEED=${seed})`,
  { skip: skip || filling },
  async (t) => {
    const measured = await measure(SECONDS)
    t.diagnostic(describe(measured))
    assert.ok(!measured.leaks, describe(measured))
  },
)

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

test('growth over the limit is a leak, however unsteady, if the run is long', () => {
  const random = new Random(1)
  const noisy = (rounds: number, growth: number) =>
    Array.from({ length: rounds }, (_, i) => {
      return 50e6 + (growth * i) / rounds + random.below(20e6)
    })
  assert.ok(isLeak(noisy(400, 10e6)))
  assert.ok(!isLeak(noisy(400, 0)))
  assert.ok(!isLeak(noisy(20, 0)))
})
