/** The recorded program: does what a plan says, and marks in the log what was acknowledged. */

import { closeSync, fsyncSync, openSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { open } from '../../index.js'
import { mark, setRules } from '../support/preload'
import { Model, PASSING, STORES, plan, serialDocument, states, type Step } from './plan'

/** So small that it grows several times. */
const MAP_SIZE = 1 << 20

class Undone extends Error {}

async function change(scope: any, changes: any[]): Promise<void> {
  for (const { store, put, key, delete: removed, clear } of changes) {
    if (put !== undefined) await scope.store(store).put(put, key)
    if (removed !== undefined) await scope.store(store).delete(removed)
    if (clear) await scope.store(store).clear()
  }
}

/** Runs a transaction, and once more if it met the moment in which the map grows. */
async function again(transaction: () => Promise<unknown>): Promise<unknown> {
  try {
    return await transaction()
  } catch (error: any) {
    if (error.code !== 'MAP_FULL') throw error
    return transaction()
  }
}

/** Does a step; `serial` is the number that its first commit writes. */
async function run(db: any, directory: string, step: Step, at: number, serial: number) {
  switch (step.kind) {
    case 'batch':
      return db.store('docs').putMany([...step.changes.map((c) => c.put), serialDocument(serial)])
    case 'together':
      return Promise.all(
        [...step.changes.map((c) => c.put), serialDocument(serial)].map((document) =>
          db.store('docs').put(document),
        ),
      )
    case 'inTurn':
      for (const { put } of step.changes) await db.store('docs').put(put)
      return db.store('docs').put(serialDocument(serial))
    case 'transaction':
      return again(() =>
        db.transaction(
          async (tx: any) => {
            await change(tx, step.changes)
            if (step.undone.length > 0) {
              const savepoint = tx.savepoint(async () => {
                await change(tx, step.undone)
                throw new Undone()
              })
              await savepoint.catch((error: unknown) => {
                if (!(error instanceof Undone)) throw error
              })
            }
            await tx.store('docs').put(serialDocument(serial))
          },
          step.durability === undefined ? {} : { durability: step.durability },
        ),
      )
    case 'rollback': {
      const rolledBack = db.transaction(async (tx: any) => {
        await change(tx, step.changes)
        throw new Undone()
      })
      return rolledBack.catch((error: any) => {
        if (!(error instanceof Undone) && error.code !== 'MAP_FULL') throw error
      })
    }
    case 'createIndex':
      return db.createIndex('docs', step.name, PASSING[step.name])
    case 'deleteIndex':
      return db.deleteIndex('docs', step.name)
    case 'flush':
      return db.flush()
    case 'compact':
      return db.compact()
    case 'backup':
      return db.backup(`${directory}/backup-${at}`)
    case 'reopen':
      return undefined
  }
}

/** Leaves the data file alone, as a restored backup has it. */
function restore(path: string): void {
  rmSync(join(path, 'lodestore.lock'))
  const directory = openSync(path, 'r')
  fsyncSync(directory)
  closeSync(directory)
}

/** What the program is told to do. */
export interface Order {
  directory: string
  durability: 'strict' | 'relaxed' | 'none'
  seed: number
  steps: number
  /** Rules that are set when the database is open. */
  rules?: string
}

async function main(): Promise<void> {
  const { directory, durability, seed, steps, rules }: Order = JSON.parse(process.argv[2]!)
  const path = `${directory}/db`
  const openIt = (): Promise<any> => open(path, { durability, stores: STORES, mapSize: MAP_SIZE })
  let db = await openIt()
  mark(directory, 'opened')
  if (rules !== undefined) setRules(directory, rules)
  let model = new Model()
  for (const [at, step] of plan(seed, steps).entries()) {
    mark(directory, `begin ${at}`)
    if (step.kind === 'reopen') {
      await db.close()
      if (durability === 'none') restore(path)
      db = await openIt()
    } else {
      await run(db, directory, step, at, model.serial + 1)
    }
    model = states(model, step).at(-1)!
    mark(directory, `done ${at}`)
  }
  await db.close()
}

void main()
