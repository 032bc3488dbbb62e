// What each operator matches, family by family.

import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { inspect } from 'node:util'
import { storeOf } from './store'

/** Checks which documents, by position, each filter finds. */
async function check(
  t: TestContext,
  documents: readonly object[],
  cases: readonly (readonly [filter: object, found: readonly number[]])[],
): Promise<void> {
  const { ids, store } = await storeOf(t, documents)
  for (const [filter, found] of cases) {
    assert.deepEqual(await ids(filter), found, inspect(filter))
    assert.equal(await store.count(filter), found.length)
    const others = documents.map((_, id) => id).filter((id) => !found.includes(id))
    assert.deepEqual(await ids({ $nor: [filter] }), others, `not ${inspect(filter)}`)
  }
}

const v = (...values: unknown[]) => values.map((value) => ({ v: value }))

test('equality: numbers by value, null as missing, arrays by element or as a whole', async (t) => {
  const documents = [...v(1, 1n, -0, NaN, null, undefined, [1, 2], [[1, 2]], '1', true), {}]
  await check(t, documents, [
    [{ v: 1 }, [0, 1, 6]],
    [{ v: { $eq: 1n } }, [0, 1, 6]],
    [{ v: 0 }, [2]],
    [{ v: NaN }, [3]],
    [{ v: null }, [4, 5, 10]],
    [{ v: undefined }, [4, 5, 10]],
    [{ v: [1, 2] }, [6, 7]],
    [{ v: { $ne: null } }, [0, 1, 2, 3, 6, 7, 8, 9]],
    [{ v: true }, [9]],
    [{}, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]],
  ])
})

test('equality of dates, binary data and objects', async (t) => {
  const documents = v(
    new Date(5),
    new Uint8Array([1, 2]),
    new Uint8Array([1, 2]).buffer,
    { a: 1, b: 2 },
    { b: 2, a: 1 },
    { a: 1, b: 2, c: undefined },
  )
  await check(t, documents, [
    [{ v: new Date(5) }, [0]],
    [{ v: Buffer.from([1, 2]) }, [1, 2]],
    [{ v: { a: 1, b: 2 } }, [3, 5]],
    [{ v: { b: 2, a: 1n } }, [4]],
    [{ v: { a: 1 } }, []],
    [{ 'v.a': 1 }, [3, 4, 5]],
  ])
})

test('order: within one type only, and null with null', async (t) => {
  const documents = [...v(1, 5, 10n, '5', new Date(5), null, [1, 20], false, true), {}]
  await check(t, documents, [
    [{ v: { $gt: 4 } }, [1, 2, 6]],
    [{ v: { $gte: 5n, $lt: 10 } }, [1, 6]],
    [{ v: { $lt: '6' } }, [3]],
    [{ v: { $lte: new Date(5) } }, [4]],
    [{ v: { $gte: null } }, [5, 9]],
    [{ v: { $lte: null } }, [5, 9]],
    [{ v: { $gt: null } }, []],
    [{ v: { $gt: false } }, [8]],
    [{ v: { $between: [1, 5] } }, [0, 1, 6]],
    [{ v: { $between: ['1', '9'] } }, [3]],
    [{ v: { $elemMatch: { $gt: 1, $lt: 20 } } }, []],
    [{ v: { $gt: 1, $lt: 20 } }, [1, 2, 6]],
  ])
})

test('lists: $in, $nin and $all', async (t) => {
  const documents = [...v(1, 'abc', null, [1, 2, 'abc'], [[1]], [{ a: 1 }, { a: 2 }]), {}]
  await check(t, documents, [
    [{ v: { $in: [1, 5] } }, [0, 3]],
    [{ v: { $in: [] } }, []],
    [{ v: { $in: [/^a/, 1] } }, [0, 1, 3]],
    [{ v: { $in: [null] } }, [2, 6]],
    [{ v: { $in: [[1]] } }, [4]],
    [{ v: { $nin: [1, null] } }, [1, 4, 5]],
    [{ v: { $all: [1, 'abc'] } }, [3]],
    [{ v: { $all: [1] } }, [0, 3]],
    [{ v: { $all: [] } }, []],
    [{ v: { $all: [{ $elemMatch: { a: 1 } }, { $elemMatch: { a: 2 } }] } }, [5]],
  ])
})

test('presence and types: $exists and $type', async (t) => {
  const documents = [...v(null, undefined, 1, 'x', [], ['x'], new Date(0), true, /x/), {}]
  await check(t, documents, [
    [{ v: { $exists: true } }, [0, 2, 3, 4, 5, 6, 7, 8]],
    [{ v: { $exists: false } }, [1, 9]],
    [{ v: { $type: 'string' } }, [3, 5]],
    [{ v: { $type: 'array' } }, [4, 5]],
    [{ v: { $type: ['number', 'bool'] } }, [2, 7]],
    [{ v: { $type: 'date' } }, [6]],
    [{ v: { $type: 'regex' } }, [8]],
    [{ v: { $type: 'null' } }, [0]],
    [{ v: { $type: 2 } }, [3, 5]],
  ])
})

test('arrays: $size, $elemMatch, and paths through them', async (t) => {
  const documents = [
    {
      v: [],
      lines: [
        { price: 1, n: 5 },
        { price: 9, n: 1 },
      ],
    },
    { v: [1], lines: [{ price: 9, n: 5 }] },
    { v: 'x', lines: { price: 9 } },
    { v: [[1], 2], lines: [] },
    { v: { 0: 'zero' } },
  ]
  await check(t, documents, [
    [{ v: { $size: 0 } }, [0]],
    [{ v: { $size: 2 } }, [3]],
    [{ 'lines.price': 9 }, [0, 1, 2]],
    [{ 'lines.price': 9, 'lines.n': 5 }, [0, 1]],
    [{ lines: { $elemMatch: { price: 9, n: 5 } } }, [1]],
    [{ 'lines.0.price': 9 }, [1]],
    [{ 'lines.1.price': 9 }, [0]],
    [{ 'v.0': 1 }, [1]],
    [{ 'v.0': [1] }, [3]],
    [{ 'v.0.0': 1 }, [3]],
    [{ v: { $elemMatch: { 0: 1 } } }, [3]],
    [{ 'v.0': 'zero' }, [4]],
    [{ v: { $elemMatch: { $gt: 1 } } }, [3]],
    [{ v: { $not: { $size: 0 } } }, [1, 2, 3, 4]],
  ])
})

test('numbers: $mod and bits', async (t) => {
  const documents = v(4, 5, 5n, -5, 'x', 5.5)
  await check(t, documents, [
    [{ v: { $mod: [5, 0] } }, [1, 2, 3, 5]],
    [{ v: { $mod: [4, 1] } }, [1, 2, 5]],
    [{ v: { $bitsAllSet: [0, 2] } }, [1, 2]],
    [{ v: { $bitsAllClear: 3 } }, [0]],
    [{ v: { $bitsAnySet: 4 } }, [0, 1, 2]],
  ])
})

test('text: regular expressions, $like and plain tests', async (t) => {
  const documents = [...v('Anna', 'anna', 'a%b', 'line\nAnna', ['x', 'Anna'], 'ä', '', 5), {}]
  await check(t, documents, [
    [{ v: /^A/ }, [0, 4]],
    [{ v: /^a/i }, [0, 1, 2, 4]],
    [{ v: { $regex: '^A', $options: 'm' } }, [0, 3, 4]],
    [{ v: { $regex: 'n+', $options: 'i' } }, [0, 1, 3, 4]],
    [{ v: { $not: /a$/ } }, [2, 5, 6, 7, 8]],
    [{ v: { $like: 'A%' } }, [0, 4]],
    [{ v: { $like: '_nna' } }, [0, 1, 4]],
    [{ v: { $like: 'a\\%b' } }, [2]],
    [{ v: { $ilike: 'ANN%' } }, [0, 1, 4]],
    [{ v: { $notLike: '%nn%' } }, [2, 5, 6, 7, 8]],
    [{ v: { $startsWith: 'An' } }, [0, 4]],
    [{ v: { $contains: '%' } }, [2]],
    [{ v: { $endsWith: 'nna' } }, [0, 1, 3, 4]],
    [{ v: { $like: '_' } }, [4, 5]],
    [{ v: '' }, [6]],
  ])
})

test('logic: $and, $or, $nor, $not, and $expr', async (t) => {
  const documents = [{ a: 1, b: 2 }, { a: 2, b: 2 }, { a: 3, b: 1 }, { b: 5 }]
  await check(t, documents, [
    [{ $and: [{ a: { $gt: 1 } }, { b: 2 }] }, [1]],
    [{ $or: [{ a: 1 }, { b: 1 }] }, [0, 2]],
    [{ $or: [{ a: 1 }, { $and: [{ a: 3 }, { b: 1 }] }], b: { $lt: 2 } }, [2]],
    [{ $nor: [{ a: 1 }, { b: 5 }] }, [1, 2]],
    [{ a: { $not: { $gt: 1 } } }, [0, 3]],
    [{ a: { $not: { $gt: 1, $lt: 3 } } }, [0, 2, 3]],
    [{ $expr: { $gt: ['$a', '$b'] } }, [2]],
    [{ $expr: { $eq: [{ $multiply: ['$a', 2] }, '$b'] }, $comment: 'x' }, [0]],
  ])
})

test('names that JavaScript gives a meaning are plain data', async (t) => {
  const evil = JSON.parse('{ "__proto__": { "admin": true }, "constructor": 1 }')
  const { ids } = await storeOf(t, [evil, { constructor: 2 }, {}])
  assert.deepEqual(await ids(JSON.parse('{ "__proto__.admin": true }')), [0])
  assert.deepEqual(await ids(JSON.parse('{ "__proto__": { "admin": true } }')), [0])
  assert.deepEqual(await ids({ constructor: { $gt: 1 } }), [1])
  assert.deepEqual(await ids({ constructor: { $exists: false } }), [2])
  assert.deepEqual(await ids({ toString: { $exists: true } }), [])
  assert.equal((Object.prototype as any).admin, undefined)
})
