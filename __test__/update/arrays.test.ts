import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Updates } from './cases'

type Case = [before: unknown, operator: string, operand: unknown, becomes: unknown]

/** Each updates the field `a`. */
async function check(updates: Updates, cases: Case[]): Promise<void> {
  for (const [before, operator, operand, becomes] of cases) {
    const document = before === undefined ? {} : { a: before }
    const result = await updates.apply(document, { [operator]: { a: operand } })
    assert.deepEqual(result?.a, becomes, JSON.stringify([before, operator, operand]))
  }
}

test('$push appends', async (t) => {
  await check(await Updates.open(t), [
    [[1], '$push', 2, [1, 2]],
    [[1], '$push', [2, 3], [1, [2, 3]]],
    [undefined, '$push', 1, [1]],
    [[], '$push', { b: 1 }, [{ b: 1 }]],
    [[1], '$push', { $each: [2, 3] }, [1, 2, 3]],
    [[1], '$push', { $each: [] }, undefined],
    [undefined, '$push', { $each: [] }, []],
  ])
})

test('$push inserts at a position, sorts, and slices, in this order', async (t) => {
  const people = [{ n: 3 }, { n: 1, x: 'b' }, { n: 2 }, { n: 1, x: 'a' }]
  await check(await Updates.open(t), [
    [[1, 2], '$push', { $each: [8, 9], $position: 0 }, [8, 9, 1, 2]],
    [[1, 2], '$push', { $each: [8], $position: 1 }, [1, 8, 2]],
    [[1, 2], '$push', { $each: [8], $position: 50 }, [1, 2, 8]],
    [[1, 2, 3], '$push', { $each: [8, 9], $position: -2 }, [1, 8, 9, 2, 3]],
    [[1, 2], '$push', { $each: [8], $position: -50 }, [8, 1, 2]],
    [[1, 2], '$push', { $each: [3, 4], $slice: 3 }, [1, 2, 3]],
    [[1, 2], '$push', { $each: [3, 4], $slice: -3 }, [2, 3, 4]],
    [[1, 2], '$push', { $each: [3], $slice: 0 }, []],
    [[1, 2], '$push', { $each: [3], $slice: 2 }, undefined],
    [[1, 2, 3], '$push', { $each: [], $slice: -2 }, [2, 3]],
    [[3, 1], '$push', { $each: [2], $sort: 1 }, [1, 2, 3]],
    [[3, 1], '$push', { $each: [2], $sort: -1, $slice: 2 }, [3, 2]],
    [[1, 2], '$push', { $each: [], $sort: 1 }, undefined],
    [
      ['b', 3, null, 'a', [0]],
      '$push',
      { $each: [true], $sort: 1 },
      [null, true, 3, 'a', 'b', [0]],
    ],
    [people, '$push', { $each: [], $sort: { n: 1 } }, [people[1], people[3], people[2], people[0]]],
    [
      people,
      '$push',
      { $each: [], $sort: { n: -1, x: 1 } },
      [people[0], people[2], people[3], people[1]],
    ],
    [
      [{ a: { b: 2 } }, 5, { a: { b: 1 } }],
      '$push',
      { $each: [], $sort: { 'a.b': 1 } },
      [5, { a: { b: 1 } }, { a: { b: 2 } }],
    ],
  ])
})

test('$addToSet appends what is not there', async (t) => {
  await check(await Updates.open(t), [
    [[1, 2], '$addToSet', 3, [1, 2, 3]],
    [[1, 2], '$addToSet', 2, undefined],
    [[1, 2], '$addToSet', [2], [1, 2, [2]]],
    [undefined, '$addToSet', 1, [1]],
    [[1], '$addToSet', { $each: [2, 1, 2, 3] }, [1, 2, 3]],
    [[{ a: 1, b: 2 }], '$addToSet', { a: 1, b: 2 }, undefined],
    [
      [{ a: 1, b: 2 }],
      '$addToSet',
      { b: 2, a: 1 },
      [
        { a: 1, b: 2 },
        { b: 2, a: 1 },
      ],
    ],
    [[1], '$addToSet', { $each: [] }, undefined],
  ])
  const updates = await Updates.open(t)
  assert.equal(await updates.apply({ a: [1n] }, { $addToSet: { a: 1 } }), undefined)
  assert.equal(await updates.apply({ a: [NaN] }, { $addToSet: { a: NaN } }), undefined)
})

test('$pop takes an end', async (t) => {
  await check(await Updates.open(t), [
    [[1, 2, 3], '$pop', 1, [1, 2]],
    [[1, 2, 3], '$pop', -1, [2, 3]],
    [[], '$pop', 1, undefined],
    [undefined, '$pop', 1, undefined],
  ])
})

test('$pull takes out what equals a value or fits a condition', async (t) => {
  const results = [
    { item: 'A', score: 5 },
    { item: 'B', score: 8, extra: 1 },
  ]
  const nested = [{ q: [{ x: 1 }, { x: 2 }] }, { q: [{ x: 3 }] }]
  await check(await Updates.open(t), [
    [[1, 2, 1, 3], '$pull', 1, [2, 3]],
    [[1, 2], '$pull', 7, undefined],
    [undefined, '$pull', 7, undefined],
    [[1, 5, 8], '$pull', { $gte: 5 }, [1]],
    [['a', 'b', 'c'], '$pull', { $in: ['a', 'c'] }, ['b']],
    [['ab', 'b'], '$pull', /^a/, ['b']],
    [results, '$pull', { score: 8, item: 'B' }, [results[0]]],
    [[...results, 7], '$pull', { score: { $lt: 6 } }, [results[1], 7]],
    [[...results], '$pull', { $or: [{ score: 5 }, { extra: 1 }] }, []],
    [[[1, 2], [3]], '$pull', [1, 2], [[3]]],
    [
      [
        [1, 2],
        [2, 1],
      ],
      '$pull',
      [2, 1],
      [[1, 2]],
    ],
    [nested, '$pull', { q: { $elemMatch: { x: { $gte: 2, $lt: 3 } } } }, [nested[1]]],
    [[null, 1], '$pull', null, [1]],
  ])
})

test('$pullAll takes out all values of a list', async (t) => {
  await check(await Updates.open(t), [
    [[0, 2, 5, 5, 1, 0], '$pullAll', [0, 5], [2, 1]],
    [[1], '$pullAll', [], undefined],
    [[{ a: 1 }, { a: 1, b: 2 }], '$pullAll', [{ a: 1 }], [{ a: 1, b: 2 }]],
    [undefined, '$pullAll', [1], undefined],
  ])
})

test('holes of arrays stay, and count as elements', async (t) => {
  const updates = await Updates.open(t)
  const sparse = () => {
    const array: unknown[] = [1]
    array[1000] = 2
    return array
  }
  const after = async (update: object) => (await updates.apply({ a: sparse() }, update))?.a
  let expected = sparse()
  expected.push(3)
  assert.deepEqual(await after({ $push: { a: 3 } }), expected)
  expected = sparse()
  expected.splice(500, 0, 3)
  assert.deepEqual(await after({ $push: { a: { $each: [3], $position: 500 } } }), expected)
  expected = sparse()
  expected.pop()
  assert.deepEqual(await after({ $pop: { a: 1 } }), expected)
  expected = sparse()
  expected.shift()
  assert.deepEqual(await after({ $pop: { a: -1 } }), expected)
  expected = sparse()
  expected[7] = { b: 1 }
  assert.deepEqual(await after({ $set: { 'a.7.b': 1 } }), expected)
  assert.equal(await after({ $unset: { 'a.7': '' } }), undefined)
  expected = sparse()
  assert.deepEqual(await after({ $push: { a: { $each: [], $slice: -2 } } }), expected.slice(-2))
  assert.deepEqual(
    await after({ $push: { a: { $each: [], $sort: -1 } } }),
    expected
      .toSorted((x: any, y: any) => y - x)
      .slice(0, 2)
      .concat(new Array(999)),
  )
  expected = sparse()
  expected[1000] = 3
  expected[0] = 2
  assert.deepEqual(await after({ $inc: { 'a.$[]': 1 } }), expected)
})
