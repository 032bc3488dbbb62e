import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Updates } from './cases'

type Case = [document: object, update: object, becomes: object | undefined]

async function check(updates: Updates, cases: Case[]): Promise<void> {
  for (const [document, update, becomes] of cases) {
    const result = await updates.apply(document, update)
    assert.deepEqual(result, becomes, JSON.stringify([document, update]))
    // The order of fields counts, too.
    if (becomes !== undefined) assert.equal(JSON.stringify(result), JSON.stringify(becomes))
  }
}

test('$set replaces and adds fields, with the objects on the way', async (t) => {
  await check(await Updates.open(t), [
    [{ a: 1 }, { $set: { a: 2 } }, { a: 2 }],
    [{ a: 1 }, { $set: { a: 1 } }, undefined],
    [{ a: 1 }, { $set: {} }, undefined],
    [{ a: 1 }, { $set: { a: '1' } }, { a: '1' }],
    [{ a: 1 }, { $set: { c: 3, b: 2 } }, { a: 1, b: 2, c: 3 }],
    [{ a: 1 }, { $set: { 'b.c.d': 2 } }, { a: 1, b: { c: { d: 2 } } }],
    [{ a: { b: 1, c: 2 } }, { $set: { 'a.b': { d: 1 } } }, { a: { b: { d: 1 }, c: 2 } }],
    [{ a: { b: 1, c: 2 } }, { $set: { 'a.b': 1, 'a.c': 2 } }, undefined],
    [{ a: { x: 1, y: 2 } }, { $set: { a: { y: 2, x: 1 } } }, { a: { y: 2, x: 1 } }],
    [{}, { $set: { 'a.0.b': 1 } }, { a: { 0: { b: 1 } } }],
    [{ x: 1 }, { $set: { 10: 'c', 2: 'b', a: 'd' } }, { 2: 'b', 10: 'c', x: 1, a: 'd' }],
    [{ a: { b: undefined } }, { $set: { 'a.b.c': 1 } }, { a: { b: { c: 1 } } }],
    [{ a: 5, $x: 1 }, { $set: { b: { $y: 1, z: 2 } } }, { a: 5, $x: 1, b: { $y: 1, z: 2 } }],
  ])
})

test('$set goes into arrays by index, and fills them up with null', async (t) => {
  await check(await Updates.open(t), [
    [{ a: [1, 2, 3] }, { $set: { 'a.1': 5 } }, { a: [1, 5, 3] }],
    [{ a: [1] }, { $set: { 'a.3': 5 } }, { a: [1, null, null, 5] }],
    [{ a: [{ b: 1 }] }, { $set: { 'a.0.b': 2, 'a.2.b': 3 } }, { a: [{ b: 2 }, null, { b: 3 }] }],
    [{ a: [[1], [2]] }, { $set: { 'a.1.0': 3 } }, { a: [[1], [3]] }],
    [{ a: [undefined] }, { $set: { 'a.0.b': 3 } }, { a: [{ b: 3 }] }],
  ])
})

test('$set keeps what only differs in ways that comparisons do not see', async (t) => {
  const updates = await Updates.open(t)
  assert.ok(Object.is((await updates.apply({ a: 0 }, { $set: { a: -0 } })).a, -0))
  assert.equal((await updates.apply({ a: 1 }, { $set: { a: 1n } })).a, 1n)
  assert.equal(await updates.apply({ a: NaN }, { $set: { a: NaN } }), undefined)
  const date = new Date(5)
  assert.equal(await updates.apply({ a: date }, { $set: { a: new Date(5) } }), undefined)
  assert.deepEqual(await updates.apply({ a: null }, { $set: { a: undefined } }), { a: undefined })
  const types = [/x/gi, new Map([[1, { a: 2 }]]), new Set([1n]), new Uint8Array([1, 2])]
  assert.deepEqual(await updates.apply({}, { $set: { types } }), { types })
  assert.equal(await updates.apply({ types }, { $set: { types } }), undefined)
})

test('$unset removes fields, and leaves null in arrays', async (t) => {
  await check(await Updates.open(t), [
    [{ a: 1, b: 2 }, { $unset: { a: '' } }, { b: 2 }],
    [{ a: 1, b: 2, c: 3 }, { $unset: { c: 1, a: true } }, { b: 2 }],
    [{ a: 1 }, { $unset: { b: '', 'a.b': '', 'c.d': '' } }, undefined],
    [{ a: { b: 1, c: { d: 1 } } }, { $unset: { 'a.c.d': '' } }, { a: { b: 1, c: {} } }],
    [{ a: [1, 2] }, { $unset: { 'a.0': '' } }, { a: [null, 2] }],
    [{ a: [null, 2] }, { $unset: { 'a.0': '', 'a.7': '', 'a.x': '' } }, undefined],
    [{ a: [{ b: 1 }] }, { $unset: { 'a.0.b': '' } }, { a: [{}] }],
    [{ a: undefined, b: 1 }, { $unset: { a: '' } }, { b: 1 }],
  ])
})

test('$inc and $mul calculate, and begin with nothing', async (t) => {
  await check(await Updates.open(t), [
    [{ a: 1 }, { $inc: { a: 2 } }, { a: 3 }],
    [{ a: 1.5 }, { $inc: { a: -2, b: 3 } }, { a: -0.5, b: 3 }],
    [{ a: 1 }, { $inc: { a: 0 } }, undefined],
    [{ a: { b: [1, 2] } }, { $inc: { 'a.b.1': 1, 'a.b.3': 4 } }, { a: { b: [1, 3, null, 4] } }],
    [{ a: 2 }, { $mul: { a: 3, b: 4 } }, { a: 6, b: 0 }],
    [{ a: 2 }, { $mul: { a: 1 } }, undefined],
    [{ a: undefined }, { $inc: { a: 1 } }, { a: 1 }],
  ])
})

test('$inc and $mul keep BigInts exact', async (t) => {
  const updates = await Updates.open(t)
  const big = 2n ** 64n
  const cases: [bigint | number, bigint | number, bigint | number, bigint | number][] = [
    [big, 1n, big + 1n, big],
    [big, 2, big + 2n, big * 2n],
    [3, -4n, -1n, -12n],
    [-big, big, 0n, -(big ** 2n)],
    [2 ** 53, 1n, 2n ** 53n + 1n, 2n ** 53n],
  ]
  for (const [a, by, sum, product] of cases) {
    const expected = { a: sum, b: product, c: by, d: typeof by === 'bigint' ? 0n : 0 }
    const update = { $inc: { a: by, c: by }, $mul: { b: by, d: by } }
    assert.deepEqual(await updates.apply({ a, b: a }, update), expected)
  }
})

test('$min and $max take the lesser and the greater value of any types', async (t) => {
  await check(await Updates.open(t), [
    [{ a: 5, b: 5 }, { $min: { a: 3, b: 7 } }, { a: 3, b: 5 }],
    [{ a: 5, b: 5 }, { $max: { a: 3, b: 7 } }, { a: 5, b: 7 }],
    [{ a: 5 }, { $min: { a: 5 }, $max: { b: 1 } }, { a: 5, b: 1 }],
    [{ a: 5 }, { $max: { a: 'x' } }, { a: 'x' }],
    [{ a: 5 }, { $max: { a: null } }, undefined],
    [{ a: 5 }, { $min: { a: null } }, { a: null }],
    [{ a: [1, 2] }, { $max: { a: [1, 3] } }, { a: [1, 3] }],
  ])
  const updates = await Updates.open(t)
  assert.equal(await updates.apply({ a: 5 }, { $max: { a: 5n } }), undefined)
  assert.deepEqual(await updates.apply({ a: new Date(5) }, { $min: { a: new Date(4) } }), {
    a: new Date(4),
  })
})

test('$rename moves fields, and replaces what was there', async (t) => {
  await check(await Updates.open(t), [
    [{ a: 1, b: 2 }, { $rename: { a: 'c' } }, { b: 2, c: 1 }],
    [{ a: 1, b: 2 }, { $rename: { a: 'b' } }, { b: 1 }],
    [{ a: 1 }, { $rename: { x: 'y', 'a.b': 'c', 'z.y': 'd' } }, undefined],
    [{ a: { b: 1 } }, { $rename: { 'a.b': 'c.d.e' } }, { a: {}, c: { d: { e: 1 } } }],
    [{ a: { b: 1, x: 2 } }, { $rename: { 'a.b': 'a.c' } }, { a: { x: 2, c: 1 } }],
    [
      { a: { b: 1, c: 2, d: 3 }, e: 4, f: 5 },
      { $rename: { 'a.b': 'g.b', 'a.d': 'g.d', e: 'a.x', f: 'h', 'a.no': 'a.y' } },
      { a: { c: 2, x: 4 }, g: { b: 1, d: 3 }, h: 5 },
    ],
    [
      { a: [1], b: 1 },
      { $rename: { a: 'c' }, $set: { b: 2 } },
      { b: 2, c: [1] },
    ],
  ])
})

test('$currentDate sets the time of the operation', async (t) => {
  const updates = await Updates.open(t)
  const before = Date.now()
  const found = await updates.apply({}, { $currentDate: { a: true, 'b.c': { $type: 'date' } } })
  assert.ok(found.a instanceof Date && before <= +found.a && +found.a <= Date.now())
  assert.equal(+found.a, +found.b.c)
})

test('$bit calculates with bits', async (t) => {
  await check(await Updates.open(t), [
    [
      { a: 13, b: 3, c: 1 },
      { $bit: { a: { and: 10 }, b: { or: 5 }, c: { xor: 5 } } },
      { a: 8, b: 7, c: 4 },
    ],
    [{ a: 5 }, { $bit: { a: { and: 5 } } }, undefined],
    [{ a: 2 ** 40 + 1 }, { $bit: { a: { xor: -1 } } }, { a: -(2 ** 40) - 2 }],
    [{ a: 12 }, { $bit: { a: { and: 10, or: 1 } } }, { a: 9 }],
    [{}, { $bit: { a: { or: 6 } } }, { a: 6 }],
  ])
  const updates = await Updates.open(t)
  const big = { $bit: { a: { or: 2n ** 70n } } }
  assert.deepEqual(await updates.apply({ a: 1 }, big), { a: 2n ** 70n + 1n })
  assert.deepEqual(await updates.apply({ a: -1n }, big), undefined)
})

test('names such as __proto__ are plain data', async (t) => {
  const updates = await Updates.open(t)
  const update = JSON.parse(
    '{"$set":{"__proto__.x":1,"constructor.prototype.y":2,"a.__proto__":3}}',
  )
  const found = await updates.apply({}, update)
  assert.equal(({} as any).x, undefined)
  assert.equal(({} as any).y, undefined)
  assert.deepEqual(Object.keys(found), ['__proto__', 'a', 'constructor'])
  assert.deepEqual(Object.getOwnPropertyDescriptor(found, '__proto__')!.value, { x: 1 })
  assert.deepEqual(Object.getOwnPropertyDescriptor(found.a, '__proto__')!.value, 3)
  assert.deepEqual(Object.hasOwn(found, 'constructor') && found.constructor, {
    prototype: { y: 2 },
  })
})
