// Time zones by name: the clocks of Intl, which has its own copy of the database, are the measure.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rejects } from '../support/database'
import { Random, seed } from '../support/random'
import { storeOf } from './store'

/** With rules of every kind, which have not changed lately. */
const ZONES = [
  'America/New_York',
  'America/St_Johns',
  'Asia/Kathmandu',
  'Asia/Tokyo',
  'Australia/Lord_Howe',
  'Europe/Dublin',
  'Europe/Paris',
  'Pacific/Apia',
  'UTC',
]
const PARTS = ['year', 'month', 'day', 'hour', 'minute', 'second'] as const
const FIRST = Date.UTC(1972, 0, 1)
const LAST = Date.UTC(2024, 0, 1)

function clock(zone: string, time: number): Record<string, number> {
  const options = Object.fromEntries(PARTS.map((part) => [part, 'numeric']))
  const format = new Intl.DateTimeFormat('en-US', { ...options, timeZone: zone, hourCycle: 'h23' })
  const parts = format.formatToParts(time)
  return Object.fromEntries(
    PARTS.map((part) => [part, Number(parts.find(({ type }) => type === part)!.value)]),
  )
}

test('parts of dates are those of Intl', async (t) => {
  t.diagnostic(`LODESTORE_SEED=${seed}`)
  const random = new Random(seed)
  const times = random.list(200, () => random.between(FIRST / 1_000, LAST / 1_000) * 1_000)
  const { store } = await storeOf(
    t,
    times.map((time) => ({ time: new Date(time) })),
  )
  for (const zone of ZONES) {
    const parts = { $dateToParts: { date: '$time', timezone: zone } }
    const named = { year: '$$p.year', month: '$$p.month', day: '$$p.day', hour: '$$p.hour' }
    const all = { ...named, minute: '$$p.minute', second: '$$p.second' }
    const back = { $dateFromParts: { ...all, timezone: zone } }
    const rows = await store.aggregate([
      { $sort: { id: 1 } },
      { $project: { row: { $let: { vars: { p: parts }, in: { clock: all, back } } } } },
    ])
    for (const [at, { row }] of rows.entries()) {
      const time = times[at]!
      const expected = clock(zone, time)
      assert.deepEqual({ ...row.clock }, expected, `LODESTORE_SEED=${seed}: ${zone}, ${time}`)
      // What clocks show twice is the first time.
      const again = row.back.getTime()
      assert.ok(again <= time && time - again <= 2 * 3_600_000)
      if (again !== time) assert.deepEqual(clock(zone, again), expected)
    }
  }
})

test('an unknown zone is an error that says what zones are', async (t) => {
  const { store } = await storeOf(t, [{ zone: 'Europe/Atlantis' }])
  for (const timezone of ['Europe/Atlantis', '$zone', '+1', '']) {
    const pipeline = store.aggregate([{ $set: { h: { $hour: { date: '$$NOW', timezone } } } }])
    const { message } = await rejects(pipeline.toArray(), 'EXPRESSION')
    assert.match(message, /such as "\+02:00", or names, such as "Europe\/Paris"/)
    assert.doesNotMatch(message, /Atlantis/)
  }
})
