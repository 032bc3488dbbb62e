// The order of strings in languages: of sorts and of conditions.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rejects, throws } from '../support/database'
import { Random, seed } from '../support/random'
import { storeOf } from './store'

const named = (names: readonly string[]) => names.map((name) => ({ name }))

/** The names of a query's documents. */
const namesOf = async (query: any): Promise<string[]> => (await query).map(({ name }: any) => name)

async function sorted(t: any, names: readonly string[], collation: object): Promise<string[]> {
  const { store } = await storeOf(t, named(names))
  return namesOf(store.find().sort('name').collation(collation))
}

test('languages have their orders', async (t) => {
  const german = ['Zebra', 'arger', 'strasse', 'Ärger', 'straße', 'Apfel']
  assert.deepEqual(await sorted(t, german, { locale: 'de' }), [
    'Apfel',
    'arger',
    'Ärger',
    'strasse',
    'straße',
    'Zebra',
  ])
  const swedish = ['ö', 'z', 'ä', 'a', 'å']
  assert.deepEqual(await sorted(t, swedish, { locale: 'sv' }), ['a', 'z', 'å', 'ä', 'ö'])
  assert.deepEqual(await sorted(t, swedish, { locale: 'de' }), ['a', 'å', 'ä', 'ö', 'z'])
  const french = ['côté', 'côte', 'coté', 'cote']
  assert.deepEqual(await sorted(t, french, { locale: 'fr' }), ['cote', 'coté', 'côte', 'côté'])
  assert.deepEqual(await sorted(t, french, { locale: 'fr-CA' }), ['cote', 'côte', 'coté', 'côté'])
  const files = ['file10', 'file9', 'File1']
  const numeric = { locale: 'en', numericOrdering: true }
  assert.deepEqual(await sorted(t, files, numeric), ['File1', 'file9', 'file10'])
  assert.deepEqual(await sorted(t, files, { locale: 'en' }), ['File1', 'file10', 'file9'])
})

test('random words are in the order that Intl.Collator gives them', async (t) => {
  t.diagnostic(`LODESTORE_SEED=${seed}`)
  const random = new Random(seed)
  const letters = [...'aAbBzZåäöÅéèçñßoOnNuü 9-_01']
  const names = Array.from({ length: 300 }, () =>
    Array.from({ length: random.below(8) }, () => letters[random.below(letters.length)]).join(''),
  )
  const { store } = await storeOf(t, named(names))
  const cases: [object, string, Intl.CollatorOptions][] = [
    [{ locale: 'en', strength: 1 }, 'en', { sensitivity: 'base' }],
    [{ locale: 'sv', strength: 2 }, 'sv', { sensitivity: 'accent' }],
    [{ locale: 'de' }, 'de', { sensitivity: 'variant' }],
    [{ locale: 'fr', caseFirst: 'upper' }, 'fr', { caseFirst: 'upper' }],
    [{ locale: 'en', strength: 1, caseLevel: true }, 'en', { sensitivity: 'case' }],
    [{ locale: 'es', numericOrdering: true }, 'es', { numeric: true }],
  ]
  for (const [collation, locale, options] of cases) {
    const { compare } = new Intl.Collator(locale, options)
    const ids = [...names.keys()].toSorted((a, b) => compare(names[a]!, names[b]!) || a - b)
    const found = await store.find().sort('name').collation(collation).keys()
    assert.deepEqual(found, ids, JSON.stringify(collation))
    const pivot = names[random.below(names.length)]!
    const least = names.flatMap((name, id) => (compare(name, pivot) >= 0 ? [id] : []))
    const above = await store.find({ name: { $gte: pivot } }, { collation }).keys()
    assert.deepEqual(
      above.toSorted((a: number, b: number) => a - b),
      least,
      pivot,
    )
  }
})

test('conditions compare under the collation', async (t) => {
  const { store } = await storeOf(t, [
    { name: 'René' },
    { name: 'rene' },
    { name: 'Renee', tags: ['ÉTÉ', 'x'] },
    { name: 7, tags: 'été' },
    { name: ['a', 'RENE'], deep: { of: 'Été' } },
    {},
  ])
  const base = { locale: 'fr', strength: 1 }
  const ids = async (filter: object, collation: object = base) =>
    (await store.find(filter).collation(collation).keys()).toSorted()
  assert.deepEqual(await ids({ name: 'rené' }), [0, 1, 4])
  assert.deepEqual(await ids({ name: 'rené' }, { locale: 'fr', strength: 2 }), [0])
  assert.deepEqual(await ids({ name: { $ne: 'RENE' } }), [2, 3, 5])
  assert.deepEqual(await ids({ name: { $in: ['RENEE', 7] } }), [2, 3])
  assert.deepEqual(await ids({ name: { $nin: ['rene', 'renee'] } }), [3, 5])
  assert.deepEqual(await ids({ name: { $gt: 'rené' } }), [2])
  assert.deepEqual(await ids({ name: { $lte: 'RENE' } }), [0, 1, 4])
  assert.deepEqual(await ids({ name: { $between: ['RENÉ', 'renee'] } }), [0, 1, 2, 4])
  assert.deepEqual(await ids({ tags: { $all: ['ete'] } }), [2, 3])
  assert.deepEqual(await ids({ tags: { $elemMatch: { $eq: 'ete' } } }), [2])
  assert.deepEqual(await ids({ deep: { of: 'ete' } }), [4])
  assert.deepEqual(await ids({ deep: { OF: 'ete' } }), [], 'names of fields are names')
  assert.deepEqual(await ids({ name: { $not: { $eq: 'rene' } } }), [2, 3, 5])
  assert.deepEqual(await ids({ name: ['A', 'rene'] }), [4])
  const many = ['a1', 'a2', 'a3', 'a4', 'a5', 'RENÉ']
  assert.deepEqual(await ids({ name: { $in: many } }), [0, 1, 4])
  // Patterns are of code units.
  assert.deepEqual(await ids({ name: /^rene/ }), [1])
  assert.deepEqual(await ids({ name: { $startsWith: 'ren' } }), [1])
  assert.deepEqual(await ids({ name: { $in: ['renee', /^rene$/] } }), [1, 2])
})

test('every way to ask knows the collation', async (t) => {
  const { store } = await storeOf(t, named(['a', 'B', 'A', 'b']))
  const collation = { locale: 'en', strength: 2 }
  const query = store.find({ name: 'A' }).collation(collation)
  assert.equal(await query.count(), 2)
  assert.equal(await query.exists(), true)
  assert.deepEqual(await query.first(), { id: 0, name: 'a' })
  assert.deepEqual(await query.keys(), [0, 2])
  assert.deepEqual(await store.findOne({ name: 'b' }, { collation }), { id: 1, name: 'B' })
  assert.equal((await query.explain()).returned, 2)
  assert.equal((await query.explain()).collation.strength, 'secondary')
  assert.match(await query.explain({ format: 'text' }), /strings as in en, strength secondary/)
  const prepared = store.prepare({ name: 'b' }, { collation })
  assert.deepEqual(await prepared.run().keys(), [1, 3])
  assert.deepEqual(await store.query().where('name', '=', 'B').collation(collation).keys(), [1, 3])
  const filtered = store.find({ name: 'A' }, { collation }).filter(() => true)
  assert.equal(await filtered.count(), 2)
  assert.deepEqual(await query.update({ $set: { hit: true } }), { matched: 2, modified: 2 })
  assert.equal(await store.find({ name: 'B' }).collation(collation).delete(), 2)
  assert.deepEqual(await namesOf(store.find()), ['a', 'A'])
  // What is given is copied.
  const changing = { locale: 'en', strength: 2 }
  const asked = store.find({ name: 'A' }).collation(changing)
  changing.strength = 3
  assert.equal(await asked.count(), 2)
})

test('equal strings are in the order of their keys, in pages, too', async (t) => {
  const names = Array.from({ length: 60 }, (_, i) => ['b', 'B', 'á', 'a', 'A', 'c'][i % 6]!)
  const { store } = await storeOf(t, named(names))
  for (const [sort, sign] of [
    ['name', 1],
    ['-name', -1],
  ] as const) {
    const query = store.find().sort(sort).collation({ locale: 'en', strength: 1 })
    const letter = (id: number) => names[id]!.normalize('NFD')[0]!.toLowerCase()
    const expected = [...names.keys()].toSorted(
      (a, b) => sign * letter(a).localeCompare(letter(b), 'en') || a - b,
    )
    assert.deepEqual(await query.keys(), expected)
    const paged: number[] = []
    let page = await query.page({ size: 7 })
    for (;;) {
      paged.push(...page.items.map(({ id }: any) => id))
      if (page.next === null) break
      page = await query.page({ size: 7, after: page.next })
    }
    assert.deepEqual(paged, expected)
    const last = await query.page({ size: 100, before: page.prev })
    assert.deepEqual(
      last.items.map(({ id }: any) => id),
      expected.slice(0, 56),
    )
    // A token is of one order.
    const { next } = await query.page({ size: 7 })
    const other = store.find().sort(sort).collation({ locale: 'en', strength: 2 })
    await rejects(other.page({ size: 7, after: next }), 'INVALID_CURSOR')
    await rejects(store.find().sort(sort).page({ size: 7, after: next }), 'INVALID_CURSOR')
    const same = store.find().sort(sort).collation({ strength: 'primary', locale: 'EN' })
    assert.equal((await same.page({ size: 7, after: next })).items[0].id, expected[7])
  }
})

test('what there is no order for is refused by name', async (t) => {
  const { store } = await storeOf(t, named(['a']))
  const refused = async (collation: unknown, path: string) => {
    await rejects(store.find().collation(collation).toArray(), 'INVALID_QUERY', { path })
  }
  await refused({ locale: 'xx' }, 'locale')
  await refused({ locale: 'simple' }, 'locale')
  await refused({ locale: 'fr-Cyrl' }, 'locale')
  await refused({ locale: 'de-u-co-pinyin' }, 'locale')
  await refused({ locale: 7 }, 'locale')
  await refused({}, 'locale')
  await refused({ locale: 'fr', backwards: true }, 'backwards')
  await refused({ locale: 'fr', normalization: true }, 'normalization')
  await refused({ locale: 'fr', strength: 6 }, 'strength')
  await refused({ locale: 'fr', strength: 'high' }, 'strength')
  await refused({ locale: 'fr', caseLevel: 1 }, 'caseLevel')
  await refused({ locale: 'fr', caseFirst: 'both' }, 'caseFirst')
  await refused({ locale: 'fr', alternate: 'blanked' }, 'alternate')
  await refused({ locale: 'fr', maxVariable: 'all' }, 'maxVariable')
  await refused({ locale: 'fr', speed: 1 }, 'speed')
  await rejects(store.find().collation('fr').toArray(), 'INVALID_QUERY')
  const collation = { locale: 'fr' }
  const expression = store.find({ $expr: { $eq: ['$name', 'A'] } }).collation(collation)
  await rejects(expression.count(), 'INVALID_QUERY')
  for (const pipeline of [
    (query: any) => query.groupBy('name'),
    (query: any) => query.stages([]),
    (query: any) => query.join('docs', { local: 'id', foreign: 'id' }),
  ]) {
    throws(() => pipeline(store.find().collation(collation)), 'INVALID_QUERY')
  }
  await rejects(store.find().collation(collation).max('name'), 'INVALID_QUERY')
  await rejects(store.find().collation(collation).distinct('name'), 'INVALID_QUERY')
})
