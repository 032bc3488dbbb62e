/** The operations of a run, as data: a run is a list of steps, replayed whatever was left out. */

import type { Key } from './keys'
import type { Query, ReadOptions } from './queries'
import type { IndexOptions, StoreOptions } from './store'

/** A change of documents. */
export type Write =
  | { do: 'put' | 'add'; store: string; value: any; key?: Key }
  | { do: 'putMany'; store: string; items: [Key | undefined, any][]; atomic: boolean }
  | { do: 'delete'; store: string; key: Key }
  | { do: 'deleteRange'; store: string; query: Query }
  | { do: 'deleteMany'; store: string; keys: Key[] }
  | { do: 'clear'; store: string }

/** A change of stores or indexes. `during` is written while an index is built. */
export type SchemaChange =
  | { do: 'createStore'; name: string; options: StoreOptions }
  | { do: 'deleteStore'; name: string }
  | { do: 'renameStore'; name: string; newName: string }
  | {
      do: 'createIndex'
      store: string
      name: string
      on: string | string[]
      options: IndexOptions
      during: Write[]
    }
  | { do: 'deleteIndex'; store: string; name: string }
  | { do: 'renameIndex'; store: string; name: string; newName: string }

/** A move of a cursor, or a change of the row that it stands on. */
export type CursorMove =
  | { do: 'next' }
  | { do: 'seek'; key: Key; primaryKey?: Key }
  | { do: 'update'; value: any }
  | { do: 'delete' }

/** A cursor's way. */
export interface CursorRun {
  do: 'cursor'
  store: string
  index?: string
  query: Query
  direction: 'next' | 'nextunique' | 'prev' | 'prevunique'
  values: boolean
  moves: CursorMove[]
}

/** Methods that give many rows. */
export type ManyRows = 'getAll' | 'getAllKeys' | 'range' | 'keys' | 'entries'

/** A read; `index` for one in an index. */
export type Read =
  | { do: 'get' | 'getSync' | 'has'; store: string; key: Key }
  | { do: 'getMany'; store: string; keys: Key[] }
  | { do: 'first' | 'getKey' | 'count'; store: string; index?: string; query: Query }
  | {
      do: ManyRows
      store: string
      index?: string
      query: Query
      options: ReadOptions
      /** Whether query and options are given as one object. */
      together: boolean
    }
  | CursorRun
  | { do: 'definition'; store: string }

/** Something that happens in one database. */
export type Step =
  | { do: 'writes'; writes: Write[] }
  | { do: 'reads'; reads: Read[] }
  | { do: 'schema'; change: SchemaChange }
  | {
      do: 'transaction'
      steps: Step[]
      commits: boolean
      /** Whether it is begun and ended by hand. */
      byHand: boolean
      /** Whether its stores are taken from the database, which joins the transaction. */
      ambient: boolean
      /** Written at the same time from outside: takes effect after it. */
      meanwhile: Write[]
    }
  | { do: 'savepoint'; steps: Step[]; commits: boolean; nested: boolean }
  | { do: 'verify' }

/** A step at the top: in one database, through one of its handles; or about several. */
export type TopStep =
  | { space: number; handle: number; step: Step }
  | { do: 'takeSnapshot'; space: number; handle: number }
  | { do: 'readSnapshot'; reads: Read[] }
  | { do: 'compact'; space: number }
  | { do: 'backup'; space: number }
  | { do: 'reopen'; durability: 'relaxed' | 'none' }
  | { do: 'deleteSpace'; space: number }

/** How many operations steps are made of, as a user counts them. */
export function countOperations(steps: readonly (TopStep | Step)[]): number {
  let count = 0
  for (const top of steps) {
    const step = 'step' in top ? top.step : top
    switch (step.do) {
      case 'writes':
        for (const write of step.writes) count += write.do === 'putMany' ? write.items.length : 1
        break
      case 'reads':
      case 'readSnapshot':
        for (const read of step.reads) count += read.do === 'cursor' ? read.moves.length : 1
        break
      case 'transaction':
        count += 2 + step.meanwhile.length + countOperations(step.steps)
        break
      case 'savepoint':
        count += 2 + countOperations(step.steps)
        break
      default:
        count++
    }
  }
  return count
}
