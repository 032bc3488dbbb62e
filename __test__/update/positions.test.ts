import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rejects } from '../support/database'
import { Updates } from './cases'

test('$[] means every element', async (t) => {
  const updates = await Updates.open(t)
  const grades = { grades: [80, 82, 90] }
  assert.deepEqual(await updates.apply(grades, { $inc: { 'grades.$[]': 10 } }), {
    grades: [90, 92, 100],
  })
  const nested = { a: [{ q: [{ n: 1 }, { n: 2 }] }, { q: [] }] }
  assert.deepEqual(await updates.apply(nested, { $mul: { 'a.$[].q.$[].n': 5 } }), {
    a: [{ q: [{ n: 5 }, { n: 10 }] }, { q: [] }],
  })
  assert.deepEqual(await updates.apply({ a: [1, 2] }, { $unset: { 'a.$[]': '' } }), {
    a: [null, null],
  })
  assert.equal(await updates.apply({ a: [] }, { $set: { 'a.$[]': 1 } }), undefined)
  assert.deepEqual(await updates.apply({ a: [{}, { b: 1 }] }, { $set: { 'a.$[].b': 1 } }), {
    a: [{ b: 1 }, { b: 1 }],
  })
})

test('$[name] means the elements that its array filter matches', async (t) => {
  const updates = await Updates.open(t)
  const apply = (document: object, update: object, ...arrayFilters: object[]) =>
    updates.apply(document, update, { arrayFilters })
  assert.deepEqual(
    await apply({ g: [95, 102, 90] }, { $set: { 'g.$[e]': 100 } }, { e: { $gte: 100 } }),
    { g: [95, 100, 90] },
  )
  const students = {
    g: [
      { grade: 80, mean: 75 },
      { grade: 85, mean: 90 },
      { grade: 85, mean: 85 },
    ],
  }
  assert.deepEqual(
    await apply(
      students,
      { $set: { 'g.$[s].mean': 100 } },
      { 's.grade': { $gte: 85 }, 's.mean': { $gt: 85 } },
    ),
    { g: [students.g[0], { grade: 85, mean: 100 }, students.g[2]] },
  )
  assert.deepEqual(
    await apply(
      students,
      { $unset: { 'g.$[s].mean': '' } },
      { $or: [{ 's.mean': 75 }, { 's.mean': 85 }] },
    ),
    { g: [{ grade: 80 }, students.g[1], { grade: 85 }] },
  )
  const nested = {
    grades: [
      { type: 'quiz', questions: [10, 8, 5] },
      { type: 'exam', questions: [1, 8] },
    ],
  }
  assert.deepEqual(
    await apply(
      nested,
      { $inc: { 'grades.$[t].questions.$[q]': 2 } },
      { 't.type': 'quiz' },
      { q: { $gte: 8 } },
    ),
    { grades: [{ type: 'quiz', questions: [12, 10, 5] }, nested.grades[1]] },
  )
  assert.equal(
    await apply(nested, { $set: { 'grades.$[t].x': 1 } }, { 't.type': 'none' }),
    undefined,
  )
})

test('several paths change one element, as long as they do not meet', async (t) => {
  const updates = await Updates.open(t)
  const document = {
    a: [
      { x: 1, y: 1 },
      { x: 2, y: 2 },
    ],
  }
  const arrayFilters = [{ 'i.x': 1 }, { 'j.y': { $lte: 2 } }]
  const update = { $set: { 'a.$[i].x': 5, 'a.$[j].y': 6, 'a.$[].z': 7 } }
  // The filters see the elements as they were before.
  assert.deepEqual(await updates.apply(document, update, { arrayFilters }), {
    a: [
      { x: 5, y: 6, z: 7 },
      { x: 2, y: 6, z: 7 },
    ],
  })
  const both = { $set: { 'a.$[i].x': 5 }, $inc: { 'a.$[j].x': 6 } }
  const error = await rejects(updates.apply(document, both, { arrayFilters }), 'INVALID_UPDATE')
  assert.match(error.message, /\$set\.a\.\$\[i\]\.x/)
  assert.match(error.message, /\$inc\.a\.\$\[j\]\.x/)
  const apart = [{ 'i.x': 1 }, { 'j.x': 2 }]
  assert.deepEqual(await updates.apply(document, both, { arrayFilters: apart }), {
    a: [
      { x: 5, y: 1 },
      { x: 8, y: 2 },
    ],
  })
})
