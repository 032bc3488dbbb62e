// Filters, sorts, selections and conditions are typed on the document: wrong names and operands do
// not compile.

import { expr, where } from '../../index.js'
import type {
  Explanation,
  Filter,
  FindOptions,
  Key,
  Page,
  Parameter,
  Path,
  Pipeline,
  PipelineExplanation,
  PreparedQuery,
  Progress,
  Projection,
  QueryEntry,
  Query,
  ReadableStore,
  Sort,
  StageExplanation,
  Store,
  UpdateResult,
  ValueAt,
} from '../../index.js'

/** Compiles only if both types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function is<T extends true>(): T | void {}

interface Order {
  id: string
  status: 'open' | 'paid'
  total: number
  large?: bigint
  placed: Date
  gift: boolean
  note: string | null
  tags: string[]
  scores: readonly number[]
  picture?: Uint8Array
  customer: { name: string; address?: { city: string; at: [number, number] } }
  lines: { product: string; price: number; parts: { code: string; left: number }[] }[]
  extra: any
}

type Small = { a: { b: { c: number }[] }; 'd.e'?: string }

export function paths(): void {
  is<Same<Path<Small>, 'a' | 'd.e' | 'a.b' | 'a.b.c' | `a.b.${number}` | `a.b.${number}.c`>>()
  is<Same<ValueAt<Order, 'customer.address.city'>, string>>()
  is<Same<ValueAt<Order, 'lines.price'>, number>>()
  is<Same<ValueAt<Order, 'lines.0.parts.1.left'>, number>>()
  is<Same<ValueAt<Order, 'large'>, bigint | undefined>>()
  is<Same<Path<any>, string>>()
  is<Same<Path<unknown>, string>>()
  is<Same<Path<{ [name: string]: number }>, string>>()
  is<Same<Path<string>, never>>()
}

export function filters(): void {
  const valid: Filter<Order>[] = [
    {},
    { status: 'open', total: 5 },
    { total: 5n, large: 5, gift: true, note: null },
    { status: { $ne: 'paid', $in: ['open', null], $exists: true, $type: ['string', 2] } },
    { total: { $gt: 1, $lte: 5n, $between: [1, 10], $mod: [2, 1], $not: { $gt: 5 } } },
    { large: { $bitsAllSet: [1, 2], $bitsAnyClear: 5n } },
    { placed: { $gte: new Date(), $lt: new Date() }, gift: { $eq: true } },
    { note: { $like: '%x', $regex: /x/, $options: 'i', $startsWith: 'a' } },
    { note: /x/i, status: { $not: /^o/ }, tags: /x/ },
    { tags: 'x' },
    { tags: ['x', 'y'] },
    { tags: { $all: ['x', /y/], $size: 2, $elemMatch: { $gt: 'a', $lt: 'b' }, $gt: 'x' } },
    { scores: { $elemMatch: { $gt: 1 }, $in: [1, [1, 2]] } },
    { 'tags.0': 'x', 'scores.5': { $lt: 3 } },
    { picture: { $eq: Buffer.from('x'), $gt: new ArrayBuffer(2) } },
    { customer: { name: 'x' }, 'customer.address': { city: 'x', at: [1, 2] } },
    { 'customer.name': { $ilike: 'x' }, 'customer.address.city': { $in: ['Paris', /^R/] } },
    { lines: { $elemMatch: { price: { $gt: 5 }, 'parts.code': 'x', $or: [{ product: 'a' }] } } },
    { 'lines.price': { $gt: 5 }, 'lines.0.product': 'x', 'lines.parts.left': 0 },
    { 'lines.1.parts.2.code': { $like: 'x' } },
    { extra: { anything: 1 }, 'extra.of.any.depth': { $gt: 'x' } },
    { $and: [{ total: 1 }, { $or: [{ gift: true }, { $nor: [{ note: 'x' }] }] }] },
    { $expr: expr.field('total').gt(expr.field('lines').size().times(2)), $comment: 'why' },
    { $expr: { $gt: ['$total', 5] } },
    { total: undefined },
  ]
  // @ts-expect-error there is no such field
  const name: Filter<Order> = { totl: 5 }
  // @ts-expect-error there is no such field inside
  const inner: Filter<Order> = { 'customer.nam': 'x' }
  // @ts-expect-error elements have no such field
  const element: Filter<Order> = { 'lines.prize': 5 }
  // @ts-expect-error a string is not a number
  const type: Filter<Order> = { total: 'x' }
  // @ts-expect-error it is none of the values
  const value: Filter<Order> = { status: 'shipped' }
  // @ts-expect-error numbers are not compared with strings
  const compared: Filter<Order> = { total: { $gt: '5' } }
  // @ts-expect-error dates are not compared with numbers
  const date: Filter<Order> = { placed: { $lt: 5 } }
  // @ts-expect-error numbers are not like a text
  const like: Filter<Order> = { total: { $like: '5%' } }
  // @ts-expect-error strings have no size
  const size: Filter<Order> = { note: { $size: 5 } }
  // @ts-expect-error strings have no remainder
  const mod: Filter<Order> = { note: { $mod: [2, 1] } }
  // @ts-expect-error there is no such operator
  const operator: Filter<Order> = { total: { $greater: 5 } }
  // @ts-expect-error a list is needed
  const list: Filter<Order> = { total: { $in: 5 } }
  // @ts-expect-error elements are strings
  const all: Filter<Order> = { tags: { $all: [5] } }
  // @ts-expect-error elements have no such field
  const match: Filter<Order> = { lines: { $elemMatch: { prize: 5 } } }
  // @ts-expect-error two bounds are needed
  const between: Filter<Order> = { total: { $between: [5] } }
  // @ts-expect-error only strings match regular expressions
  const regexp: Filter<Order> = { total: /5/ }
  // @ts-expect-error alternatives are filters
  const or: Filter<Order> = { $or: [{ totl: 5 }] }
  // @ts-expect-error there is no code in filters
  const code: Filter<Order> = { $where: 'this.total > 5' }
  // @ts-expect-error parameters are for prepare
  const parameter: Filter<Order> = { total: expr.param('x') }

  const free: Filter[] = [{ whatever: { $gt: 5 } }, { 'a.b.c': 1, $or: [{ x: 1 }] }]
  const unknown: Filter<unknown> = { anything: { $size: 2 } }
  void [valid, name, inner, element, type, value, compared, date, like, size, mod, operator, list]
  void [all, match, between, regexp, or, code, parameter, free, unknown]
}

export async function queries(orders: Store<Order, string>): Promise<void> {
  const found = orders.find({ total: { $gt: 5 } })
  is<Same<typeof found, Query<Order, string>>>()
  is<Same<Awaited<typeof found>, Order[]>>()
  const chained = await found.sort('-total').limit(5).skip(1).offset(1).hint('byTotal')
  is<Same<typeof chained, Order[]>>()
  for await (const order of found) is<Same<typeof order, Order>>()
  const rows = [await found.first(), await orders.findOne({ id: 'x' }, { sort: 'total' })]
  is<Same<typeof rows, (Order | undefined)[]>>()
  const numbers = [await found.count(), await orders.count({ gift: true })]
  is<Same<typeof numbers, number[]>>()
  is<Same<Awaited<ReturnType<typeof found.exists>>, boolean>>()
  const keys = await found.keys()
  is<Same<typeof keys, string[]>>()
  const entries = await found.entries().toArray()
  is<Same<typeof entries, QueryEntry<Order, string>[]>>()
  const page = await found.page({ size: 5, after: null })
  const { examinedKeys = 0, examinedDocs = 0 } = await found.page({ size: 5, explain: true })
  void (examinedKeys + examinedDocs)
  is<Same<typeof page, Page<Order>>>()
  const explained = await found.explain()
  await found.sort('total').collation({ locale: 'fr', strength: 'primary' })
  const locale: string | undefined = explained.collation?.locale
  // @ts-expect-error a collation has a locale
  found.collation({})
  // @ts-expect-error there is no such strength
  found.collation({ locale: 'fr', strength: 6 })
  void locale
  is<Same<typeof explained, Explanation>>()
  is<Same<Awaited<ReturnType<typeof textOf>>, string>>()
  const function_ = await found.filter(({ lines }) => lines.length > 1).keys()
  is<Same<typeof function_, string[]>>()
  const passing = found.keys().filter((order) => order.gift)
  is<Same<Awaited<typeof passing>, string[]>>()
  const options: FindOptions<Order> = { sort: undefined, signal: AbortSignal.timeout(5) }
  const either: (Order | Error)[] | Order[] = await found.catch((error: Error) => [error])
  await orders.find(where('total', '>', 5), options).finally(() => {})
  await orders.find(expr.field('total').gt(5))
  await orders.find()

  const changed = await found.update({ $inc: { total: 1 }, $push: { tags: 'x' } })
  is<Same<typeof changed, UpdateResult<string>>>()
  await found.update({ $set: { total: expr.field('total').plus(1) } }, { arrayFilters: [] })
  await found.update([{ $set: { total: 1 } }])
  const { signal } = new AbortController()
  const onProgress = ({ done, total, phase }: Progress): void => void [done, total, phase]
  await found.update({ $inc: { total: 1 } }, { batch: 1000, onProgress, signal })
  const gone: number = await found.delete({ batch: 1000, onProgress, signal })
  is<Same<Awaited<ReturnType<typeof found.delete>>, number>>()

  // @ts-expect-error there is no such field
  await found.update({ $inc: { totl: 1 } })
  // @ts-expect-error a number of documents
  await found.delete({ batch: true })
  void gone
  const { upserted } = await found.update({ $inc: { total: 1 } }, { upsert: true })
  is<Same<typeof upserted, string | undefined>>()
  // @ts-expect-error true or false
  await found.update({ $inc: { total: 1 } }, { upsert: 1 })
  // @ts-expect-error what is deleted is not inserted
  await found.delete({ upsert: true })
  // @ts-expect-error there is no such field
  await orders.find({ totl: 5 })
  // @ts-expect-error there is no such option
  await orders.find({}, { sorted: 'total' })
  // @ts-expect-error there is no such field to sort by
  found.sort('-totl')
  // @ts-expect-error a sort goes up or down
  found.sort({ total: 2 })
  // @ts-expect-error a number is needed
  found.limit('5')
  // @ts-expect-error there is no such format
  await found.explain({ format: 'xml' })
  // @ts-expect-error there is no such field
  await orders.count({ totl: 5 })
  void [rows, either]
}

export async function explanations(orders: Store<Order, string>): Promise<void> {
  const pipeline = orders.aggregate([{ $group: { _id: '$status' } }])
  const explained = await pipeline.explain()
  is<Same<typeof explained, PipelineExplanation>>()
  is<Same<(typeof explained.stages)[number], StageExplanation>>()
  is<Same<typeof explained.front.examinedKeys, number>>()
  const text = await orders.find().groupBy('status').explain({ format: 'text' })
  is<Same<typeof text, string>>()
  // @ts-expect-error there is no such format
  await pipeline.explain({ format: 'xml' })
}

function textOf(query: Query) {
  return query.explain({ format: 'text' })
}

export function sortsAndSelections(): void {
  const sorts: Sort<Order>[] = [
    'total',
    '-customer.name',
    ['status', '-placed'],
    { total: 1, 'customer.address.city': -1 },
    [['total', -1], 'status'],
  ]
  const projections: Projection<Order>[] = [
    ['id', 'customer.name', 'lines.price'],
    { id: 1, total: true },
    { note: 0, 'customer.address': false },
    { id: 1, score: { $meta: 'vectorSearchScore' }, distance: { $meta: 'vectorSearchDistance' } },
  ]
  const free: [Sort, Projection] = ['-anything', { 'of.any': 1 }]
  // @ts-expect-error there is no such field
  const sort: Sort<Order> = ['stat']
  // @ts-expect-error there is no such field
  const projection: Projection<Order> = ['customer.nam']
  void [sorts, projections, free, sort, projection]
}

export async function selections(orders: ReadableStore<Order, string>): Promise<void> {
  const [some] = await orders.find().select(['id', 'customer.name', 'lines.price'])
  if (some === undefined) return
  is<Same<typeof some.id, string>>()
  const name: string = some.customer.name
  const price: number | undefined = some.lines[0]?.price
  const [byName] = await orders.find().select('total', 'gift')
  is<Same<typeof byName, { total: number; gift: boolean } | undefined>>()
  const [without] = await orders.find().select({ note: 0 })
  is<Same<typeof without, Partial<Order> | undefined>>()
  await orders
    .find()
    .select('total')
    .filter(({ total }) => total > 5)

  // @ts-expect-error it was not selected
  void some.total
  // @ts-expect-error it was not selected
  void some.customer.address
  // @ts-expect-error there is no such field
  orders.find().select('totl')
  void [name, price]
}

export async function builder(orders: Store<Order, string>): Promise<void> {
  const query = orders
    .query()
    .where('total', '>', 5)
    .where('status', 'open')
    .where('placed', '<=', new Date())
    .where('note', 'IS NOT', null)
    .where('note', 'not like', '%x')
    .where('total', 'BETWEEN', [1, 5])
    .where('tags', 'IN', ['a', 'b'])
    .where({ 'customer.name': 'x' })
    .orWhere('gift', '=', true)
    .or('lines.price', '<', 3)
    .or()
    .whereEqual('total', 5n)
    .whereIn('status', ['open'])
    .whereBetween('total', 1, 5)
    .whereNull('large')
    .whereContains('note', 'x')
    .whereEmpty('tags')
    .condition(where('anything', '>', 5).or('whatever', null))
    .orderByAsc('total')
    .orderByDesc('customer.address.city')
    .orderBy('id', 'desc')
    .limit(5)
    .cursor(null)
  is<Same<typeof query, Query<Order, string>>>()
  is<Same<Awaited<typeof query>, Order[]>>()
  const filter: object = query.toFilter()

  // @ts-expect-error there is no such field
  orders.query().where('totl', '>', 5)
  // @ts-expect-error it is a number
  orders.query().where('total', '>', 'x')
  // @ts-expect-error there is no such operator
  orders.query().where('total', '~', 5)
  // @ts-expect-error it is none of the values
  orders.query().where('status', 'shipped')
  // @ts-expect-error IN takes a list
  orders.query().where('status', 'IN', 'open')
  // @ts-expect-error BETWEEN takes two values
  orders.query().where('total', 'BETWEEN', [5])
  // @ts-expect-error LIKE takes a pattern
  orders.query().where('note', 'LIKE', 5)
  // @ts-expect-error it is a date
  orders.query().whereGreaterThan('placed', 5)
  // @ts-expect-error there is no such field
  orders.query().orderByDesc('totl')
  // @ts-expect-error there is no such field
  orders.query().whereNull('totl')
  void filter
}

export async function prepared(orders: Store<Order, string>): Promise<void> {
  const query = orders.prepare({
    total: { $gt: expr.param('min') },
    status: expr.param('status'),
    'lines.price': { $between: [1, expr.param('max')] },
  })
  is<Same<typeof query, PreparedQuery<Order, string>>>()
  const rows = await query.run({ min: 5, status: 'open', max: 9 }).limit(3)
  is<Same<typeof rows, Order[]>>()
  const names: string[] = query.parameters
  const parameter: Parameter = expr.param('x')
  orders.prepare(where('total', '>', parameter), { sort: '-total' })
  // @ts-expect-error there is no such field
  orders.prepare({ totl: expr.param('x') })
  // @ts-expect-error parameters have names
  expr.param()
  void names
}

export async function untyped(store: Store): Promise<void> {
  const [row] = await store.find({ 'any.thing': { $gt: 5 } }).sort('-whatever')
  const field: number = row.of.any.type
  const keys: Key[] = await store.query().where('a', '>', 1).keys()
  const [selected] = await store.find().select(['a', 'b'])
  void [field, keys, selected.a]
}

/** A document that holds itself compiles, to a depth. */
interface Tree {
  name: string
  children: Tree[]
  parent?: Tree
}

export async function recursive(trees: Store<Tree, string>): Promise<void> {
  await trees.find({ 'children.children.name': 'x', 'parent.parent.name': { $like: 'x' } })
  // @ts-expect-error there is no such field
  await trees.find({ 'children.nam': 'x' })
}

/** Of documents of several types, the fields of each. */
type Shape = { kind: 'circle'; radius: number } | { kind: 'square'; side: number }

export async function unions(shapes: Store<Shape, number>): Promise<void> {
  await shapes.find({ kind: 'circle', radius: { $gt: 5 }, side: 4 })
  // @ts-expect-error there is no such field
  await shapes.find({ width: 5 })
  // @ts-expect-error it is a number
  await shapes.find({ radius: 'x' })
}

export async function pipelines(orders: Store<Order, string>): Promise<void> {
  const rows = orders.aggregate<{ _id: string; n: number }>([
    { $match: { status: 'open' } },
    { $group: { _id: '$status', n: { $count: {} } } },
    { $sort: { n: -1 } },
    { $limit: 5 },
    { $lookup: { from: 'users', localField: 'id', foreignField: 'id', as: 'user' } },
  ])
  is<Same<typeof rows, Pipeline<{ _id: string; n: number }>>>()
  is<Same<Awaited<typeof rows>, { _id: string; n: number }[]>>()
  for await (const row of rows.having('n', '>', 5)) is<Same<typeof row.n, number>>()
  const grouped = orders
    .find({ gift: true })
    .groupBy(['status', 'customer.name'], { total: { $sum: '$total' }, n: { $count: {} } })
    .having('total', '>', 5)
    .orderByDesc('total')
  const first: unknown = await grouped.first()
  await orders.query().groupBy({ city: 'customer.address.city', large: expr.field('total').gt(5) })
  await orders.find().join('users', { local: 'customer.name', foreign: 'name' }).select('users')
  const sum: number | bigint = await orders.find().sum('lines.price')
  const least = await orders.find().min('placed')
  is<Same<typeof least, Date | undefined>>()
  const tags = await orders.find().distinct('tags')
  is<Same<typeof tags, string[]>>()
  const count: number = await rows.count()

  // @ts-expect-error there is no such stage
  orders.aggregate([{ $mach: { status: 'open' } }])
  // @ts-expect-error a limit is a number
  orders.aggregate([{ $limit: '5' }])
  // @ts-expect-error there is no such option
  orders.aggregate([], { limit: 5 })
  // @ts-expect-error there is no such field
  orders.find().groupBy('totl')
  // @ts-expect-error there is no such field
  orders.find().join('users', { local: 'totl', foreign: 'id' })
  // @ts-expect-error there is no such field
  await orders.find().sum('totl')
  // @ts-expect-error an accumulator is needed
  orders.find().groupBy('status', { total: 5 })
  void [first, sum, count]
}

export async function searches(orders: Store<Order, string>): Promise<void> {
  const vector = Float32Array.of(1, 2)
  const found = await orders.find({ $vector: { index: 'near', query: vector, k: 3 }, gift: true })
  is<Same<typeof found, Order[]>>()
  const $vector = { index: 'near', query: expr.param('vector') }
  await orders.prepare({ $vector }).run({ vector })
  await orders.aggregate([{ $vectorSearch: { index: 'near', queryVector: [1, 2], limit: 3 } }])
  const mmr = { lambda: 0.7, fetchK: 20 }
  await orders.find({ $vector: { index: 'near', query: vector, mmr } })
  await orders.aggregate([
    { $vectorSearch: { index: 'near', queryVector: [1, 2], limit: 3, mmr: { fetchK: 9 } } },
  ])
  // @ts-expect-error a search says how many documents are wanted
  void orders.aggregate([{ $vectorSearch: { index: 'near', queryVector: [1, 2] } }])
  // @ts-expect-error it has a vector
  void orders.find({ $vector: { index: 'near' } })
}
