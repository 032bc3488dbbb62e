/** Runs steps on databases and on their models, and compares whatever can be seen. */

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { open } from '../../index.js'
import { changeModel, changeSchema, compareWrite, isSimple, start } from './changes'
import { DatabaseModel } from './database'
import { SPACES } from './generate'
import type { Key } from './keys'
import type { CursorRun, Read, SchemaChange, Step, TopStep, Write } from './operations'
import { RollBack, attempt, compare, expect, rollingBack, type Outcome } from './outcome'
import { argumentOf } from './queries'
import { CursorModel, actualOf, carrying, expectedOf } from './reads'
import { Refusal } from './store'

/** A busy machine may have other things to do for seconds. */
const UNLIMITED = { timeout: 0, idleTimeout: 0 }

/** Where operations of a step go: a database or transaction, with its model. */
interface Place {
  scope: any
  model: DatabaseModel
  /** Whether cursors see what is written after they were opened. */
  isLive: boolean
  isReadOnly?: boolean
  /** In a transaction whose stores are taken from the database: the database. */
  ambient?: any
}

/** A run beside others in one directory. */
export interface SharedPlace {
  directory: string
  /** Opens a database of which the run sees its own stores and spaces alone. */
  open: (path: string, options?: object) => Promise<any>
  /** Where backups go. */
  backups: string
}

/** Pages, documents, index entries and counts agree. */
async function assertWhole(database: any): Promise<void> {
  const { findings } = await database.verify({ spaces: false })
  assert.deepEqual(findings, [], 'verify')
}

/** The databases of a run: a root and its spaces, with up to two handles each. */
export class Run {
  readonly models = Array.from({ length: SPACES }, () => new DatabaseModel())
  private readonly directory: string
  private readonly open: (path: string, options?: object) => Promise<any>
  private handles: any[][] = Array.from({ length: SPACES }, () => [])
  private snapshot: { scope: any; model: DatabaseModel; space: number } | undefined
  private durability: 'relaxed' | 'none' = 'none'
  private backups = 0

  constructor(private readonly shared?: SharedPlace) {
    this.directory = shared?.directory ?? mkdtempSync(join(tmpdir(), 'lodestore-model-'))
    this.open = shared?.open ?? open
  }

  /** Runs a step. @throws {Mismatch} and whatever should not fail */
  async run(step: TopStep): Promise<void> {
    if ('step' in step) {
      const scope = await this.database(step.space, step.handle)
      const model = this.models[step.space]!
      return this.step({ scope, model, isLive: false }, step.step, scope)
    }
    switch (step.do) {
      case 'takeSnapshot': {
        await this.closeSnapshot()
        const database = await this.database(step.space, step.handle)
        const model = this.models[step.space]!.copy()
        this.snapshot = { scope: await database.snapshot(), model, space: step.space }
        return
      }
      case 'readSnapshot':
        if (this.snapshot !== undefined) {
          await this.reads({ ...this.snapshot, isLive: false, isReadOnly: true }, step.reads)
        }
        return
      case 'reopen':
        await this.close()
        this.durability = step.durability
        return
      case 'compact': {
        if (this.snapshot?.space === step.space) await this.closeSnapshot()
        const database = await this.database(step.space, 0)
        // Others have the root open: their snapshots would expire, or it is BUSY.
        if (this.shared === undefined || step.space > 0) await database.compact()
        return this.verify({ scope: database, model: this.models[step.space]!, isLive: false })
      }
      case 'backup':
        return this.backup(step.space)
      case 'deleteSpace':
        return this.deleteSpace(step.space)
    }
  }

  /** Compares everything, once more from the files. */
  async finish(): Promise<void> {
    for (const again of [false, true]) {
      for (const [space, model] of this.models.entries()) {
        const database = await this.database(space, 0)
        await this.verify({ scope: database, model, isLive: false })
        await assertWhole(database)
      }
      if (!again) await this.close()
    }
  }

  /** Closes everything and removes the files. */
  async discard(): Promise<void> {
    await this.close()
    if (this.shared === undefined) rmSync(this.directory, { recursive: true, force: true })
  }

  private async database(space: number, handle: number): Promise<any> {
    const handles = this.handles[space]!
    if (handles[handle] === undefined) {
      // A space stands in the directory of its root.
      if (space > 0) await this.database(0, 0)
      const options = { durability: this.durability, ...(space > 0 && { space: `space ${space}` }) }
      handles[handle] = await this.open(this.directory, options)
    }
    return handles[handle]
  }

  private async closeSnapshot(): Promise<void> {
    this.snapshot?.scope.close()
    this.snapshot = undefined
  }

  private async close(): Promise<void> {
    await this.closeSnapshot()
    const handles = this.handles.flat().filter((handle) => handle !== undefined)
    this.handles = Array.from({ length: SPACES }, () => [])
    await Promise.all(handles.map((handle) => handle.close()))
  }

  private async backup(space: number): Promise<void> {
    const source = await this.database(space, 0)
    const compact = this.backups % 2 === 0
    const target = join(this.shared?.backups ?? this.directory, `backup ${this.backups++}`)
    // Others may be deleting spaces of theirs.
    await source.backup(target, { spaces: this.shared === undefined, compact })
    const copy = await this.open(target, { mode: 'readOnly' })
    await assertWhole(copy)
    await this.verify({ scope: copy, model: this.models[space]!, isLive: false })
    await copy.close()
    rmSync(target, { recursive: true })
  }

  private async deleteSpace(space: number): Promise<void> {
    if (this.snapshot?.space === space) await this.closeSnapshot()
    const root = await this.database(0, 0)
    const name = `space ${space}`
    const handles = this.handles[space]!.splice(0)
    await Promise.all(handles.map((handle) => handle?.close()))
    if ((await root.spaces()).includes(name)) await root.deleteSpace(name)
    this.models[space] = new DatabaseModel()
  }

  private async step(place: Place, step: Step, database: any): Promise<void> {
    switch (step.do) {
      case 'writes':
        return this.writes(place, step.writes)
      case 'reads':
        return this.reads(place, step.reads)
      case 'schema':
        return this.schema(place, step.change)
      case 'transaction':
        return this.transaction(place.model, step, database)
      case 'savepoint':
        return this.savepoint(place, step, database)
      case 'verify':
        return this.verify(place)
    }
  }

  /* Transactions */

  private async transaction(
    model: DatabaseModel,
    step: Extract<Step, { do: 'transaction' }>,
    database: any,
  ): Promise<void> {
    const inner = model.copy()
    const meanwhile = step.meanwhile.filter(isSimple)
    let outside: Promise<Outcome>[] = []
    if (step.byHand) {
      const begun = database.begin(UNLIMITED)
      outside = meanwhile.map((write) => attempt(() => start(database, write)))
      const scope = await begun
      await this.steps({ scope, model: inner, isLive: true }, step.steps, database)
      await (step.commits ? scope.commit() : scope.rollback())
    } else {
      const done = rollingBack(
        database.transaction(async (scope: any) => {
          const place = { scope, model: inner, isLive: true }
          await this.steps(
            step.ambient ? { ...place, ambient: database } : place,
            step.steps,
            database,
          )
          if (!step.commits) throw new RollBack()
        }, UNLIMITED),
      )
      outside = meanwhile.map((write) => attempt(() => start(database, write)))
      await done
    }
    if (step.commits) model.become(inner)
    for (const [i, write] of meanwhile.entries()) {
      compareWrite(model, write, await outside[i]!, 'while a transaction is open')
    }
  }

  private async savepoint(
    place: Place,
    step: Extract<Step, { do: 'savepoint' }>,
    database: any,
  ): Promise<void> {
    const { ambient } = place
    const model = place.model.copy()
    const body = async (scope: any): Promise<void> => {
      const inner = { scope, model, isLive: true }
      await this.steps(ambient === undefined ? inner : { ...inner, ambient }, step.steps, database)
      if (!step.commits) throw new RollBack()
    }
    const joins = step.nested && ambient !== undefined
    await rollingBack(joins ? ambient.transaction(body) : place.scope.savepoint(body))
    if (step.commits) place.model.become(model)
  }

  private async steps(place: Place, steps: Step[], database: any): Promise<void> {
    for (const step of steps) await this.step(place, step, database)
  }

  /* Documents */

  /** Simple writes are made in one turn; what reads its documents bit by bit is awaited. */
  private async writes({ scope, model, ambient }: Place, writes: Write[]): Promise<void> {
    const target = ambient ?? scope
    let turn: Write[] = []
    const settle = async (): Promise<void> => {
      const started = turn.map((write) => attempt(() => start(target, write)))
      const outcomes = await Promise.all(started)
      for (const [i, write] of turn.entries()) compareWrite(model, write, outcomes[i]!, '')
      turn = []
    }
    for (const write of writes) {
      if (!isSimple(write)) await settle()
      turn.push(write)
      if (!isSimple(write)) await settle()
    }
    await settle()
  }

  private async reads(place: Place, reads: Read[]): Promise<void> {
    const target = place.ambient ?? place.scope
    const plain = reads.filter((read) => read.do !== 'cursor')
    const outcomes = await Promise.all(plain.map((read) => attempt(() => actualOf(target, read))))
    for (const [i, read] of plain.entries()) {
      compare(
        expect(() => expectedOf(place.model, read)),
        outcomes[i]!,
        read,
      )
    }
    for (const read of reads) if (read.do === 'cursor') await this.cursor(place, target, read)
  }

  private async cursor(place: Place, target: any, run: CursorRun): Promise<void> {
    const { model } = place
    const opened = await attempt(async () => {
      const store = target.store(run.store)
      const source = run.index === undefined ? store : store.index(run.index)
      const { direction, values } = run
      // A promise must not be given a cursor bare: nothing is to take it for something else.
      return [source.openCursor(argumentOf(run.query), { direction, values })]
    })
    const expected = expect(() => [new CursorModel(model, run, place.isLive)])
    if ('code' in opened || 'code' in expected) return compare(expected, opened, run)
    const [cursor] = opened.value as [any]
    const [twin] = expected.value as [CursorModel]
    for (const move of run.moves) {
      const at = { ...run, moves: move }
      if (move.do === 'next') {
        compare(
          expect(() => twin.next()),
          await attempt(() => cursor.next()),
          at,
        )
      } else if (move.do === 'seek') {
        const { key, primaryKey } = move
        const arguments_ = primaryKey === undefined ? [key] : [key, primaryKey]
        const actual = await attempt(() => cursor.seek(...arguments_))
        compare(
          expect(() => twin.seek(key, primaryKey)),
          actual,
          at,
        )
      } else if (move.do === 'delete') {
        const actual = await attempt(() => cursor.delete())
        const remove = (): boolean => {
          const { primaryKey } = twin.current()
          if (place.isReadOnly) throw new Refusal('TX_READ_ONLY')
          return model.change(run.store, (store) => store.delete(primaryKey)) === 1
        }
        compare(expect(remove), actual, at)
      } else {
        const { keyPath } = model.store(run.store).options
        const value = twin.row ? carrying(move.value, keyPath, twin.row.primaryKey) : move.value
        const actual = await attempt(() => cursor.update(value))
        const replace = (): Key => {
          const { primaryKey } = twin.current()
          if (place.isReadOnly) throw new Refusal('TX_READ_ONLY')
          const given = keyPath === undefined ? primaryKey : undefined
          return model.change(run.store, (store) => store.put(value, given, false, undefined))
        }
        compare(expect(replace), actual, at)
      }
      const { row } = twin
      const seen = {
        done: cursor.done,
        key: cursor.key,
        primaryKey: cursor.primaryKey,
        value: cursor.value,
      }
      const value = run.values ? row?.value : undefined
      const wanted = { done: row === undefined, key: row?.key, primaryKey: row?.primaryKey, value }
      compare({ value: wanted }, { value: seen }, at)
    }
    await cursor.close()
  }

  /* Schema */

  private async schema(place: Place, change: SchemaChange): Promise<void> {
    const { model } = place
    const target = place.ambient ?? place.scope
    const during = change.do === 'createIndex' ? change.during.filter(isSimple) : []
    const made = attempt(() => changeSchema(target, change))
    const writes = during.map((write) => attempt(() => start(target, write)))
    compare(
      expect(() => changeModel(model, change)),
      await made,
      change,
    )
    for (const [i, write] of during.entries()) {
      compareWrite(model, write, await writes[i]!, 'while an index is built')
    }
  }

  /** Compares everything that can be read. */
  private async verify(place: Place): Promise<void> {
    const { model } = place
    const target = place.ambient ?? place.scope
    compare({ value: model.storeNames }, { value: target.storeNames }, 'storeNames')
    for (const store of model.storeNames) {
      const query = { form: 'everything' as const }
      const indexes = [undefined, ...model.store(store).indexes.keys()]
      const reads: Read[] = [{ do: 'definition', store }]
      for (const name of indexes) {
        const at = name === undefined ? { store, query } : { store, index: name, query }
        reads.push({ do: 'count', ...at })
        reads.push({ do: 'entries', ...at, options: {}, together: false })
        reads.push({ do: 'getAllKeys', ...at, options: { reverse: true }, together: false })
      }
      await this.reads(place, reads)
    }
  }
}
