import { phases } from '../phases'
import './navigator'
import assert from 'node:assert/strict'
import localforage from 'localforage'

// It looks whether its driver is there when it is loaded.
const make = (storeName: string) =>
  localforage.createInstance({ name: 'settings', storeName, driver: localforage.INDEXEDDB })

const VALUES: [string, unknown][] = [
  ['text', 'äöü €'],
  ['number', 1.5],
  ['nothing', null],
  ['nested', { list: [1, { two: 2 }], date: new Date(0) }],
  ['bytes', new Uint8Array([1, 2, 255])],
]

async function create(): Promise<void> {
  const [first, second] = [make('first'), make('second')]
  await Promise.all([first.ready(), second.ready()])
  assert.equal(first.driver(), localforage.INDEXEDDB)
  // A store that comes later is made by an upgrade while the database is in use.
  for (const [key, value] of VALUES) assert.deepEqual(await first.setItem(key, value), value)
  await second.setItem('text', 'another one')
  const third = make('third')
  await third.setItem('number', 3)
  assert.equal(await first.getItem('text'), 'äöü €')
  await Promise.all(Array.from({ length: 200 }, (_, i) => third.setItem(`key ${i}`, i)))
  await third.removeItem('key 7')
  await first.setItem('blob', new Blob(['a blob'], { type: 'image/png' }))
}

async function reopen(): Promise<void> {
  const [first, second, third] = [make('first'), make('second'), make('third')]
  for (const [key, value] of VALUES) assert.deepEqual(await first.getItem(key), value)
  const blob = (await first.getItem('blob')) as Blob
  assert.deepEqual([await blob.text(), blob.type], ['a blob', 'image/png'])
  assert.equal(await second.getItem('text'), 'another one')
  assert.equal(await second.getItem('missing'), null)
  assert.equal(await third.length(), 200)
  assert.equal((await third.keys()).includes('key 7'), false)
  let sum = 0
  await third.iterate((value: number) => {
    sum += value
  })
  assert.equal(sum, 3 + (199 * 200) / 2 - 7)
  await second.clear()
  assert.equal(await second.length(), 0)
  await third.dropInstance()
  assert.equal(await make('third').length(), 0)
}

phases({ create, reopen })
