import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DocumentDecoder, DocumentEncoder, ShapeTable, WriteBuffer } from '../../lib/codec/index.js'
import { fromTyped } from '../../lib/exchange/from-typed.js'
import { toTyped } from '../../lib/exchange/to-typed.js'
import { RandomDocuments, randomSource, seed } from '../codec/random'
import { assertSame } from '../codec/same'

const ROUNDS = 3000

test(`typed JSON keeps random documents (LODESTORE_SEED=${seed})`, () => {
  const source = new RandomDocuments(randomSource(seed))
  const shapes = new ShapeTable({ load() {} })
  const encoder = new DocumentEncoder({ namedArrayFields: true })
  const decoder = new DocumentDecoder()
  for (let round = 0; round < ROUNDS; round++) {
    const writer = new WriteBuffer()
    const end = encoder.encode(source.document(), shapes, writer)
    const stored = decoder.decode(writer.buffer, 0, end, shapes)
    const text = JSON.stringify(toTyped(stored))
    assertSame(fromTyped(JSON.parse(text)), stored, `round ${round}: ${text.slice(0, 300)}`)
  }
})

const WRITTEN: [unknown, string][] = [
  [{ a: [1, 'x', null, true] }, '{"a":[1,"x",null,true]}'],
  [-0, '{"$number":"-0"}'],
  [12n, '{"$bigint":"12"}'],
  [{ a: undefined }, '{"a":{"$undefined":true}}'],
  [new Date(0), '{"$date":"1970-01-01T00:00:00.000Z"}'],
  [new Date(NaN), '{"$date":null}'],
  [new Date(8.64e15), '{"$date":"+275760-09-13T00:00:00.000Z"}'],
  [{ $set: { a: 1 } }, '{"$object":{"$set":{"a":1}}}'],
  [new Uint16Array([1, 2]), '{"$binary":{"type":"Uint16Array","base64":"AQACAA=="}}'],
  [Object.assign([1], { x: 2 }), '{"$array":{"length":1,"items":[[0,1]],"fields":{"x":2}}}'],
  // oxlint-disable-next-line no-sparse-arrays -- holes are the point
  [[, 1], '{"$array":{"length":2,"items":[[1,1]]}}'],
  [JSON.parse('{ "__proto__": 1 }'), '{"__proto__":1}'],
  ['\ud800', String.raw`"\ud800"`],
]

test('every type is written as documented', () => {
  for (const [value, text] of WRITTEN) {
    assert.equal(JSON.stringify(toTyped(value)), text)
    assertSame(fromTyped(JSON.parse(text)), value, text)
  }
  const shared = { a: 1 }
  const cycle: any = { shared, again: shared }
  cycle.self = cycle
  const text =
    '{"$shared":[1,{"shared":{"$shared":[2,{"a":1}]},"again":{"$ref":2},"self":{"$ref":1}}]}'
  assert.equal(JSON.stringify(toTyped(cycle)), text)
  assertSame(fromTyped(JSON.parse(text)), cycle)
})

const REFUSED: [string, RegExp][] = [
  ['{"a":{"$oid":"x"}}', /^a: \$oid is no type/],
  ['{"a":[{"$date":"yesterday"}]}', /^a\[0\]\.\$date: .*ISO 8601/],
  ['{"$date":"2020-01-01","b":1}', /must be the only field/],
  ['{"$number":"5"}', /-0, NaN/],
  ['{"$bigint":"0x5"}', /digits/],
  ['{"$binary":{"type":"Uint16Array","base64":"AQ=="}}', /do not fill/],
  ['{"$binary":{"type":"Function","base64":""}}', /not one of bytes/],
  ['{"$binary":{"type":"Uint8Array","base64":"?"}}', /Base64/],
  ['{"$regexp":["(",""]}', /Invalid regular expression/],
  ['{"$ref":1}', /nothing with that number/],
  ['{"$shared":[1,5]}', /not an object/],
  ['{"a":{"$shared":[1,{}]},"b":{"$shared":[1,{}]}}', /there is a number 1 already/],
  ['{"$array":{"length":1,"items":[[1,1]]}}', /index below the length/],
  ['{"$array":{"length":-1,"items":[]}}', /length/],
  ['{"$error":{"type":"Object"}}', /not that of an error/],
  ['{"$map":[[1]]}', /a key and a value/],
  ['{"$boxed":{}}', /boolean/],
  ['{"$undefined":1}', /must be true/],
  [`${'['.repeat(1200)}${']'.repeat(1200)}`, /nested too deeply/],
  ['{"$constructor":1}', /is no type/],
]

test('what is no typed JSON is refused, and where it is told', () => {
  for (const [text, message] of REFUSED) {
    assert.throws(() => fromTyped(JSON.parse(text)), { code: 'INVALID_ARGUMENT', message }, text)
  }
})
