// Every public method in every situation has the one outcome that docs/reentrancy.md gives it.
//
// LODESTORE_WRITE_TABLE=1 writes the tables anew, from what happens. Read the difference: a cell
// that is wrong is a defect, not a line to be committed.

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { objectsOf } from './objects'
import { Probe } from './probe'
import { CLASSES, ROWS, groupsOf, type Row } from './rows'
import { openOld } from './state'
import { SITUATIONS, cellOf, readTables, writeTables } from './table'
import { endWorker } from './threads'
import { isSealed } from '../support/sealed'

const isWritten = process.env.LODESTORE_WRITE_TABLE === '1'
const table = isWritten ? new Map<string, string>() : readTables()
/** The cells that were executed. */
const executed = new Set<string>()

after(endWorker)

/** The public names of an object's class, symbols as they are written in code. */
function namesOf(object: object): string[] {
  return Reflect.ownKeys(Object.getPrototypeOf(object))
    .filter((key) => key !== 'constructor')
    .map((key) => (typeof key === 'symbol' ? nameOf(key) : key))
    .toSorted()
}

/** Node.js 20 describes some of them by other words. */
function nameOf(symbol: symbol): string {
  return `[${symbol.description!.replace('nodejs.', 'Symbol.')}]`
}

test('every public method and property has a row', async () => {
  const db = await openOld(':memory:')
  const scopes = { Database: db, Transaction: await db.begin({ mode: 'readonly' }) }
  for (const of of CLASSES) {
    const objects: any = { ...(await objectsOf(of, db, '')), ...scopes }
    const rows = ROWS.filter((row) => row.of === of).map(({ method }) => method)
    assert.deepEqual(rows.toSorted(), namesOf(objects[of]), of)
  }
  await db.close()
})

/** What the table says of a call, or what encrypted databases answer instead. */
function expectedOf(name: string, { method }: Row): string | undefined {
  const written = table.get(name)
  if (!isSealed || written !== '`NOT_ENCRYPTED`') return written
  // Keys are refused as those of another database; `rotateKey` is given none, and writes.
  if (method !== 'rotateKey') return '`WRONG_KEY`'
  return name.startsWith('busy: ') ? 'waits, ok' : 'ok'
}

for (const situation of SITUATIONS) {
  test(`in the situation '${situation.name}'`, async () => {
    const rows = ROWS.filter(({ of }) => situation.classes.includes(of))
    const differences: string[] = []
    for (const group of groupsOf(rows, situation.inert === true)) {
      const names = group.map((row) => cellOf(situation.name, row))
      const probes = group.map((row, i) => new Probe(row, expectedOf(names[i]!, row)))
      const directory = await mkdtemp(join(tmpdir(), 'lodestore-reentrancy-'))
      const words = await situation.run(probes, directory)
      for (const [i, name] of names.entries()) {
        executed.add(name)
        if (isWritten) table.set(name, words[i]!)
        const expected = expectedOf(name, group[i]!) ?? 'missing in docs/reentrancy.md'
        if (words[i] !== expected) differences.push(`${name}: ${words[i]}, not ${expected}`)
      }
    }
    assert.deepEqual(differences, [])
  })
}

test('the tables have no other cells, and none without an outcome', () => {
  if (isWritten) writeTables(table)
  assert.deepEqual([...table.keys()].toSorted(), [...executed].toSorted())
  for (const [name, word] of table) assert.match(word, /^(waits, )?(`[A-Z_]+`|[a-z]+)$/, name)
})
