import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkHistory, checkRealTime, type Recorded, type Report } from './history'

/** Two users: what they saw is possible. */
function possible(): { reports: [Report, Report]; history: Recorded[] } {
  const history: Recorded[] = [
    { sequence: 1, by: 'one', reads: [['a', null]], writes: [['a', 'x']] },
    { sequence: 2, by: 'two', reads: [['a', 'x']], writes: [['b', 'y']] },
  ]
  const one: Report = {
    transactions: [{ start: 0, end: 10, sequence: 1, by: 'one' }],
    reads: [{ start: 11, end: 12, how: 'getAll', sequence: 1, values: [['a', 'x']] }],
    numbers: [{ start: 0, end: 5, register: 'n', number: 1, isRead: false }],
  }
  const two: Report = {
    transactions: [{ start: 5, end: 20, sequence: 2, by: 'two' }],
    reads: [],
    numbers: [{ start: 6, end: 8, register: 'n', number: 1, isRead: true }],
  }
  return { reports: [one, two], history }
}

const wrongs: Record<string, (made: ReturnType<typeof possible>) => void> = {
  'a transaction that read an old value': ({ history }) => {
    history[1]!.reads = [['a', null]]
  },
  'a transaction that is missing': ({ history }) => history.pop(),
  'a transaction that was never acknowledged': ({ reports }) => reports[1].transactions.pop(),
  'a transaction that another one has overwritten': ({ reports }) => {
    reports[1].transactions[0]!.sequence = 1
  },
  'a gap': ({ history }) => {
    history[1]!.sequence = 3
  },
  'a read of half a transaction': ({ reports }) => {
    reports[0].reads[0]!.values = []
  },
  'a read of a state that never was': ({ reports }) => {
    reports[0].reads[0]!.sequence = 7
  },
  'a read that began after a transaction, and does not see it': ({ reports }) => {
    Object.assign(reports[0].reads[0]!, { start: 21, end: 22 })
  },
  'a read that ended before what it saw began': ({ reports }) => {
    Object.assign(reports[0].reads[0]!, { start: -2, end: -1 })
  },
  'transactions in the wrong order': ({ reports }) => {
    Object.assign(reports[1].transactions[0]!, { start: -2, end: -1 })
  },
  'a number that was read too late': ({ reports }) => {
    reports[1].numbers[0]!.number = 0
  },
}

test('a history that is possible is let pass', () => {
  const { reports, history } = possible()
  checkHistory(reports, history)
})

for (const [name, makeWrong] of Object.entries(wrongs)) {
  test(`the check of histories finds ${name}`, () => {
    const made = possible()
    makeWrong(made)
    assert.throws(() => checkHistory(made.reports, made.history))
  })
}

test('what shares a place is in no order', () => {
  checkRealTime('reads', [
    { place: 1, start: 0, end: 1 },
    { place: 1, start: 5, end: 6 },
    { place: 2, start: 5, end: 9 },
  ])
  assert.throws(() =>
    checkRealTime('reads', [
      { place: 1, start: 5, end: 6 },
      { place: 2, start: 0, end: 4 },
    ]),
  )
})
