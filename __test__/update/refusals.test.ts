import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ErrorCode } from '../../index.js'
import { rejects } from '../support/database'
import { Updates } from './cases'

test('updates that cannot be understood are refused with their path', async (t) => {
  const updates = await Updates.open(t)
  const refused: [update: unknown, path: string | undefined, message: RegExp][] = [
    [{ a: 1 }, 'a', /use put/],
    [{ $set: { a: 1 }, b: 2 }, 'b', /use put/],
    [{}, undefined, /no operators/],
    [{ $sett: { a: 1 } }, '$sett', /no such operator/],
    [{ $set: 5 }, '$set', /object of paths/],
    [{ $set: [] }, '$set', /object of paths/],
    [{ $set: { '': 1 } }, '$set.', /empty/],
    [{ $set: { 'a..b': 1 } }, '$set.a..b', /empty/],
    [{ $set: { 'a.': 1 } }, '$set.a.', /empty/],
    [{ $set: { $a: 1 } }, '$set.$a', /begin with \$/],
    [{ $set: { 'a.$x.b': 1 } }, '$set.a.$x.b', /begin with \$/],
    [{ $set: { 'a.$': 1 } }, '$set.a.$', /\$\[\]/],
    [{ $set: { '$[]': 1 } }, '$set.$[]', /begins with a field/],
    [{ $set: { 'a.$[X]': 1 } }, '$set.a.$[X]', /lower-case/],
    [{ $set: { 'a.$[x]': 1 } }, '$set.a.$[x]', /arrayFilters has no filter/],
    [{ $inc: { a: '1' } }, '$inc.a', /number/],
    [{ $mul: { a: null } }, '$mul.a', /number/],
    [{ $rename: { a: 1 } }, '$rename.a', /string/],
    [{ $rename: { a: 'a' } }, '$rename.a', /same place/],
    [{ $rename: { a: 'a.b' } }, '$rename.a.b', /same place/],
    [{ $rename: { 'a.b': 'a' } }, '$rename.a', /same place/],
    [{ $rename: { 'a.$[].b': 'c' } }, '$rename.a.$[].b', /elements/],
    [{ $currentDate: { a: 'date' } }, '$currentDate.a', /true/],
    [{ $currentDate: { a: { $type: 'timestamp' } } }, '$currentDate.a', /date/],
    [{ $push: { a: { $slice: 1 } } }, '$push.a', /\$each/],
    [{ $push: { a: { $each: 1 } } }, '$push.a', /array/],
    [{ $push: { a: { $each: [], $foo: 1 } } }, '$push.a', /no modifier \$foo/],
    [{ $push: { a: { $each: [], $slice: 1.5 } } }, '$push.a', /\$slice/],
    [{ $push: { a: { $each: [], $position: '1' } } }, '$push.a', /\$position/],
    [{ $push: { a: { $each: [], $sort: 2 } } }, '$push.a', /\$sort/],
    [{ $push: { a: { $each: [], $sort: {} } } }, '$push.a', /\$sort/],
    [{ $addToSet: { a: { $each: 1 } } }, '$addToSet.a', /array/],
    [{ $addToSet: { a: { $each: [], $slice: 1 } } }, '$addToSet.a', /no modifier \$slice/],
    [{ $pop: { a: 2 } }, '$pop.a', /-1/],
    [{ $pullAll: { a: 1 } }, '$pullAll.a', /array/],
    [{ $bit: { a: 1 } }, '$bit.a', /and/],
    [{ $bit: { a: { not: 1 } } }, '$bit.a', /and/],
    [{ $bit: { a: { and: 1.5 } } }, '$bit.a', /whole/],
  ]
  for (const [update, path, message] of refused) {
    const error = await rejects(updates.apply({ a: 1 }, update), 'INVALID_UPDATE')
    assert.match(error.message, message, JSON.stringify(update))
    assert.equal(error.path, path, JSON.stringify(update))
  }
  for (const update of [undefined, null, 5, 'x']) {
    await rejects(updates.apply({}, update), 'INVALID_UPDATE', { path: 'update' })
  }
  await rejects(
    updates.apply({}, () => {}),
    'INVALID_UPDATE',
  )
  await rejects(updates.apply({}, { $set: { a: () => {} } }), 'DATA_CLONE', {
    path: 'update.$set.a',
  })
})

test('paths that meet are refused, and both are named', async (t) => {
  const updates = await Updates.open(t)
  const conflicts: [update: object, one: string, other: string][] = [
    [{ $set: { a: 1 }, $inc: { a: 1 } }, '$set.a', '$inc.a'],
    [{ $set: { 'a.b': 1, a: 1 } }, '$set.a.b', '$set.a'],
    [{ $set: { 'a.b': 1 }, $unset: { 'a.b.c': 1 } }, '$set.a.b', '$unset.a.b.c'],
    [{ $push: { a: 1 }, $set: { 'a.0': 1 } }, '$push.a', '$set.a.0'],
    [{ $set: { 'a.$[]': 1, 'a.0': 1 } }, '$set.a.$[]', '$set.a.0'],
    [{ $set: { a: 1 }, $rename: { b: 'a' } }, '$set.a', '$rename.a'],
    [{ $set: { a: 1 }, $setOnInsert: { a: 1 } }, '$set.a', '$setOnInsert.a'],
  ]
  for (const [update, one, other] of conflicts) {
    const error = await rejects(updates.apply({ a: [] }, update), 'INVALID_UPDATE')
    assert.ok(error.message.includes(`${one} and ${other} `), error.message)
  }
})

test('arrayFilters are checked', async (t) => {
  const updates = await Updates.open(t)
  const update = { $set: { 'a.$[x]': 1 } }
  const refused: [arrayFilters: unknown, code: ErrorCode][] = [
    [5, 'INVALID_ARGUMENT'],
    [[5], 'INVALID_UPDATE'],
    [[{}], 'INVALID_UPDATE'],
    [[{ x: 1, y: 1 }], 'INVALID_UPDATE'],
    [[{ x: 1 }, { x: 2 }], 'INVALID_UPDATE'],
    [[{ x: 1 }, { y: 2 }], 'INVALID_UPDATE'],
    [[{ X: 1 }], 'INVALID_UPDATE'],
    [[{ x: { $foo: 1 } }], 'INVALID_QUERY'],
  ]
  for (const [arrayFilters, code] of refused) {
    await rejects(updates.apply({ a: [] }, update, { arrayFilters }), code)
  }
  await rejects(updates.apply({}, update, { arrayFilter: [] }), 'INVALID_ARGUMENT', {
    path: 'options.arrayFilter',
  })
  await rejects(updates.apply({ a: [] }, { $pull: { a: { $foo: 1 } } }), 'INVALID_QUERY')
})

test('operators that do not fit the document are refused, naming path and operator', async (t) => {
  const updates = await Updates.open(t)
  const secret = 'a secret'
  const unfit: [document: unknown, update: object, path: string, code?: ErrorCode][] = [
    [{ a: secret }, { $inc: { a: 1 } }, '$inc.a'],
    [{ a: null }, { $mul: { a: 1 } }, '$mul.a'],
    [{ a: secret }, { $push: { a: 1 } }, '$push.a'],
    [{ a: null }, { $addToSet: { a: 1 } }, '$addToSet.a'],
    [{ a: { x: secret } }, { $pop: { a: 1 } }, '$pop.a'],
    [{ a: secret }, { $pull: { a: 1 } }, '$pull.a'],
    [{ a: secret }, { $pullAll: { a: [1] } }, '$pullAll.a'],
    [{ a: 1.5 }, { $bit: { a: { and: 1 } } }, '$bit.a'],
    [{ a: secret }, { $set: { 'a.b': 1 } }, '$set.a.b'],
    [{ a: null }, { $set: { 'a.b': 1 } }, '$set.a.b'],
    [{ a: [1] }, { $set: { 'a.b': 1 } }, '$set.a.b'],
    [{ a: new Map([[secret, 1]]) }, { $set: { 'a.b': 1 } }, '$set.a.b'],
    [{ a: 1 }, { $set: { 'a.$[]': 1 } }, '$set.a.$[]'],
    [{}, { $set: { 'a.$[]': 1 } }, '$set.a.$[]'],
    [{ a: [{ b: 1 }] }, { $rename: { 'a.0.b': 'c' } }, '$rename.a.0.b'],
    [{ a: 1, b: 5 }, { $rename: { a: 'b.c' } }, '$rename.a'],
    [{ a: 1n }, { $inc: { a: 0.5 } }, '$inc.a', 'EXPRESSION'],
    [{ a: NaN }, { $inc: { a: 1n } }, '$inc.a', 'EXPRESSION'],
  ]
  for (const [document, update, path, code = 'INVALID_UPDATE'] of unfit) {
    const error = await rejects(updates.apply(document, update), code, { store: 'docs', path })
    assert.ok(!error.message.includes(secret))
    assert.ok(error.message.includes(path), error.message)
  }
  for (const document of [5, 'x', [1], new Map(), null]) {
    await rejects(updates.apply(document, { $set: { a: 1 } }), 'INVALID_UPDATE')
  }
})

test('where nothing would be made, nothing has to fit', async (t) => {
  const updates = await Updates.open(t)
  for (const document of [{ a: 'x' }, { a: null }, { a: [1] }, {}]) {
    const update = { $unset: { 'a.b': 1 }, $pop: { 'a.c': 1 }, $pull: { 'a.d': 1 } }
    assert.equal(await updates.apply(document, update), undefined)
    const onInsert = { $setOnInsert: { 'a.b': 1 } }
    assert.equal(await updates.apply(document, onInsert), undefined)
  }
})
