/**
 * What the databases under tests/fixtures hold: something of everything that the format has. Never
 * change what a fixture was made from; add a fixture with the change of the format that needs one.
 */

import type { EncryptionOptions } from '../../index.js'

/** A key longer than what is stored directly. */
const LONG = 'long key '.repeat(300)

const DAY = 86_400_000

/** Every kind of value. */
const VALUES: unknown[] = [
  undefined,
  null,
  true,
  0,
  -0,
  NaN,
  Infinity,
  1.5,
  2 ** 40,
  -200,
  10n ** 40n,
  '',
  'latin1 é',
  'UTF-8 ✓ 😀',
  'alone \ud800',
  'x'.repeat(300),
  new Date(DAY),
  new Date(NaN),
  /a+b/gi,
  new Map<unknown, unknown>([['k', { v: 1 }]]),
  new Set([1, 'two']),
  new Uint8Array([1, 2, 3]).buffer,
  new Uint8Array([4, 5]),
  new Float64Array([0.5]),
  new DataView(new ArrayBuffer(2)),
  new BigInt64Array([-1n]),
  Object.assign(new RangeError('kept'), { stack: 'a stack' }),
  Object(5),
  Object('boxed'),
  [1, [2, [3]]],
  // oxlint-disable-next-line no-sparse-arrays -- holes are the point
  [1, , 3],
  Array.from({ length: 20 }, (_, i) => i),
  { deep: { er: { and: ['deeper'] } } },
]

/** The stores, as `open` takes them. */
export const STORES = {
  values: {},
  people: {
    keyPath: 'id',
    autoIncrement: true,
    indexes: {
      byName: { on: 'name', unique: true },
      byCityAge: { on: ['city', '-age'] },
      byTag: { on: 'tags', multiEntry: true },
      byNested: { on: 'address.street', sparse: true },
    },
  },
  packed: { keyPath: 'id', compression: 'zstd' },
  quick: { keyPath: 'id', compression: 'lz4' },
  pairs: { keyPath: ['a', 'b'] },
  '\u0000 \ud800 名前': { key: 'uuidv7' },
} as const

/** The space of the database. */
export const SPACE = 'a space/名前'

/** Documents with their keys, in order, by store. */
export const CONTENTS: Record<string, [key: unknown, value: unknown][]> = {
  values: [
    [-(2n ** 60n) - 1n, 'a BigInt'],
    [-1.5, 'a number below zero'],
    ...VALUES.map((value, i): [unknown, unknown] => [i, value]),
    [new Date(0), 'a date'],
    ['', 'an empty string'],
    [LONG, 'a long key'],
    [`${LONG}!`, 'and its neighbour'],
    ['text', 'text'],
    [new Uint8Array([0, 1, 255]).buffer, 'binary'],
    [[], 'an empty array'],
    [[1, ['two', new Date(1)]], 'an array'],
  ],
  people: Array.from({ length: 30 }, (_, i) => {
    const person = {
      id: i + 1,
      name: `person ${i}`,
      city: ['Paris', 'Rome', null][i % 3],
      age: 20 + (i % 5),
      tags: ['all', i % 2 === 0 ? 'even' : 'odd'],
    }
    return [i + 1, i % 10 === 0 ? { ...person, address: { street: `${i} Road` } } : person]
  }),
  packed: [[1, { id: 1, text: 'again and '.repeat(500) }]],
  quick: [[1, { id: 1, text: 'again and '.repeat(500) }]],
  pairs: [[[1, 'x'], { a: 1, b: 'x' }]],
  '\u0000 \ud800 名前': [['a key of its own', { large: new Uint8Array(9000).fill(7) }]],
}

/** How the database of a name is encrypted: not at all, with a passphrase, or with a key. */
export function encryptionOf(name: string): EncryptionOptions | undefined {
  const kdf = { memory: 64, iterations: 2, parallelism: 2 }
  if (name.endsWith('-passphrase')) return { passphrase: 'a passphrase: \u00e9\u20ac', kdf }
  const key = Uint8Array.from({ length: 32 }, (_, i) => i * 7)
  return name.endsWith('-key') ? { key, cipher: 'chacha20-poly1305' } : undefined
}

/** Writes it all into an empty database. */
export async function writeContents(open: any, path: string): Promise<void> {
  const db = await open(path, { mode: 'create', stores: STORES })
  for (const [name, entries] of Object.entries(CONTENTS)) {
    const store = db.store(name)
    if (store.keyPath === null) await store.putMany(entries, { entries: true })
    // One by one, so that shapes are registered on the way.
    else for (const [, document] of entries) await store.put(document)
  }
  await db.store('people').add({ name: 'gone', tags: [] })
  await db.store('people').delete(31)
  const space = await open(path, { space: SPACE, stores: { inner: {} } })
  await space.store('inner').put('in a space', 1)
  await space.close()
  await db.compact()
  await db.close()
}
