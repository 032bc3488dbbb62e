/** A whole run of the model test: as many operations as asked for, shrunk when they fail. */

import { inspect } from 'node:util'
import { Random } from '../support/random'
import { Generator } from './generate'
import { countOperations, type TopStep } from './operations'
import { Run, type SharedPlace } from './run'
import { shrink } from './shrink'

/** What a run did. */
export interface Report {
  steps: number
  operations: number
}

/** Options of `checkModel`. */
export interface CheckOptions {
  seed: number
  operations: number
  /** Called now and then. */
  onProgress?: (operations: number) => void
  /** How long a failing run may be shrunk, in milliseconds. */
  shrinkTime?: number
  /** A place beside other runs, in which a run cannot be repeated. */
  shared?: SharedPlace
}

/**
 * Runs random operations.
 *
 * @throws an error that tells the seed and the fewest steps found that fail
 */
export async function checkModel(options: CheckOptions): Promise<Report> {
  const { seed, operations: wanted, onProgress, shared } = options
  const shrinkTime = shared === undefined ? (options.shrinkTime ?? 60_000) : 0
  const generator = new Generator(new Random(seed))
  const run = new Run(shared)
  const steps: TopStep[] = []
  let operations = 0
  try {
    while (operations < wanted) {
      const step = generator.topStep(run.models)
      steps.push(step)
      operations += countOperations([step])
      await run.run(step)
      if (steps.length % 500 === 0) onProgress?.(operations)
    }
    await run.finish()
  } catch (error) {
    await run.discard().catch(() => {})
    throw await explained(seed, steps, error, shrinkTime)
  }
  await run.discard()
  return { steps: steps.length, operations }
}

/** An error that tells what fails, with the fewest steps that are found in the time. */
async function explained(
  seed: number,
  steps: TopStep[],
  error: unknown,
  time: number,
): Promise<Error> {
  const { steps: fewest, error: last } = await shrink(steps, error, replay, time)
  const shown = inspect(fewest, {
    depth: Infinity,
    maxArrayLength: 50,
    maxStringLength: 200,
    breakLength: 100,
  })
  const message =
    `LODESTORE_SEED=${seed}: step ${steps.length} failed; ` +
    `${fewest.length} of the steps fail, too:\n${shown}\n`
  return new Error(message + (last instanceof Error ? last.message : String(last)), { cause: last })
}

/** Runs steps anew; gives what they fail with, if they do. */
async function replay(steps: TopStep[]): Promise<unknown> {
  const run = new Run()
  try {
    for (const step of steps) await run.run(step)
    await run.finish()
    return undefined
  } catch (error) {
    return error ?? new Error('failed with nothing')
  } finally {
    await run.discard().catch(() => {})
  }
}
