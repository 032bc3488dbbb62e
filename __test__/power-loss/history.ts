/** What a log says about the states that may be found at a point of it. */

import { isSame } from '../support/same'
import { Model, plan, serialDocument, states, type Durability, type Step } from './plan'

/** Whether a step that is done has everything up to it on disk. */
function isSynced(step: Step, durability: Durability): boolean {
  switch (step.kind) {
    case 'flush':
    case 'compact':
      return true
    case 'transaction':
      return (step.durability ?? durability) === 'strict'
    case 'batch':
    case 'together':
    case 'createIndex':
    case 'deleteIndex':
      return durability === 'strict'
    default:
      return false
  }
}

/** What a state holds, as far as it is looked at. */
export interface Contents {
  rows: { docs: [any, any][]; large: [any, any][]; scratch: [any, any][] }
  /** Indexes that came and went. */
  passing: { name: string; ready: boolean }[]
}

/** The models of a run, in order, and how far the run is. */
export class History {
  readonly models: Model[] = [new Model()]
  opened = false
  private readonly steps: Step[]
  /** The model that each step ends with. */
  private readonly ends: number[] = []
  /** Models that a state may show: nothing before `first`, which was synced, or behind `last`. */
  private first = 0
  private last = 0
  /** The steps that are done, and whether another one has begun. */
  done = 0

  constructor(
    seed: number,
    count: number,
    private readonly durability: Durability,
  ) {
    this.steps = plan(seed, count)
    for (const step of this.steps) {
      this.models.push(...states(this.models.at(-1)!, step))
      this.ends.push(this.models.length - 1)
    }
  }

  hear(text: string): void {
    const [word, number] = text.split(' ')
    const at = Number(number)
    if (word === 'opened') this.opened = true
    else if (word === 'begin') this.last = this.ends[at]!
    else if (word === 'done') {
      this.done = at + 1
      if (isSynced(this.steps[at]!, this.durability)) this.first = this.ends[at]!
    } else throw new Error(`an unknown mark: ${text}`)
  }

  /** The steps that make backups, up to the one under way. */
  backups(): { at: number; model: Model; done: boolean }[] {
    return this.steps.slice(0, this.done + 1).flatMap((step, at) => {
      if (step.kind !== 'backup') return []
      return [{ at, model: this.models[this.ends[at]!]!, done: at < this.done }]
    })
  }

  /** What is wrong with contents after a power failure; undefined if nothing is. */
  judge(contents: Contents): string | undefined {
    const serial = contents.rows.docs.find(([key]) => key === 'serial')?.[1].serial ?? 0
    const names = new Set(contents.passing.map(({ name }) => name))
    const [first, last] = [this.models[this.first]!, this.models[this.last]!]
    if (serial < first.serial) {
      return `commits up to ${first.serial} were synced, and this is the state after ${serial}`
    }
    if (serial > last.serial) return `a state after ${serial}, of ${last.serial} commits so far`
    let wrong = `no state after ${serial} has the indexes ${[...names].join()}`
    for (let at = this.first; at <= this.last; at++) {
      const model = this.models[at]!
      if (
        model.serial !== serial ||
        !isSame([...model.indexes].toSorted(), [...names].toSorted())
      ) {
        continue
      }
      const acknowledged = at <= this.first
      const unready = contents.passing.find(({ ready }) => !ready && acknowledged)
      if (unready !== undefined) return `${unready.name} was acknowledged, and is not ready`
      const difference = differenceOf(model, contents)
      if (difference === undefined) return undefined
      wrong = `after ${serial} commits: ${difference}`
    }
    return wrong
  }

  /** Whether contents are those of one state, of whatever moment. */
  isOneState(contents: Contents): boolean {
    return this.models.some((model) => differenceOf(model, contents) === undefined)
  }

  /** What was never written; undefined if all contents were. */
  judgeOrigin(contents: Contents): string | undefined {
    for (const name of ['docs', 'large', 'scratch'] as const) {
      for (const [key, value] of contents.rows[name]) {
        if (key === 'serial' && isSame(value, serialDocument(value.serial))) continue
        const written = this.models
          .slice(0, this.last + 1)
          .some((model) => isSame(model.stores[name].get(key), value))
        if (!written) return `${name}: ${JSON.stringify(key)} was never written so`
      }
    }
    return undefined
  }
}

/** How contents differ from a model, indexes aside. */
export function differenceOf(model: Model, contents: Contents): string | undefined {
  for (const name of ['docs', 'large', 'scratch'] as const) {
    const expected = model.stores[name]
    const rows = contents.rows[name]
    if (rows.length !== expected.size) {
      return `${name} has ${rows.length} documents, not ${expected.size}`
    }
    for (const [key, value] of rows) {
      if (!isSame(value, expected.get(key))) return `${name}: ${JSON.stringify(key)} differs`
    }
  }
  return undefined
}
