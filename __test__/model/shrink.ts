/**
 * Fewer steps that fail, too: delta debugging over the list of steps, then over the lists within.
 * Source: Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input" (2002).
 */

import { setImmediate } from 'node:timers/promises'
import type { TopStep } from './operations'

type Replay = (steps: TopStep[]) => Promise<unknown>

/** Gives the fewest failing steps found in the time, and what they fail with. */
export async function shrink(
  steps: TopStep[],
  error: unknown,
  replay: Replay,
  time: number,
): Promise<{ steps: TopStep[]; error: unknown }> {
  const deadline = Date.now() + time
  let best = { steps, error }
  const fails = async (candidate: TopStep[]): Promise<boolean> => {
    await setImmediate()
    const failure = await replay(candidate)
    if (failure === undefined) return false
    best = { steps: candidate, error: failure }
    return true
  }
  const hasTime = (): boolean => Date.now() < deadline
  await reduce(steps, fails, hasTime)
  for (let i = 0; i < best.steps.length && hasTime(); i++) {
    for (const part of partsOf(best.steps[i]!)) {
      const replaced = (list: unknown[]): TopStep[] =>
        best.steps.with(i, withPart(best.steps[i]!, part, list))
      const list = readPart(best.steps[i]!, part)
      await reduce(list, (candidate) => fails(replaced(candidate)), hasTime)
    }
  }
  return best
}

/** Leaves out as much of a list as can be left out while it fails. */
async function reduce<T>(
  list: T[],
  fails: (candidate: T[]) => Promise<boolean>,
  hasTime: () => boolean,
): Promise<void> {
  let size = Math.ceil(list.length / 2)
  while (size >= 1 && list.length > 0) {
    let reduced = false
    // From the end: what comes last is seldom needed, but for the step that fails.
    for (let end = list.length; end > 0 && hasTime(); end -= size) {
      const candidate = [...list.slice(0, Math.max(0, end - size)), ...list.slice(end)]
      if (!(await fails(candidate))) continue
      list = candidate
      reduced = true
    }
    if (!hasTime()) return
    if (!reduced || size > list.length) size = size === 1 ? 0 : Math.ceil(size / 2)
  }
}

/** The lists within a step, as paths of property names and positions. */
function partsOf(step: TopStep): (string | number)[][] {
  const parts: (string | number)[][] = []
  const visit = (value: any, path: (string | number)[]): void => {
    for (const name of ['steps', 'writes', 'reads', 'moves', 'items', 'meanwhile', 'during']) {
      const list = value?.[name]
      if (!Array.isArray(list) || list.length === 0) continue
      parts.push([...path, name])
      list.forEach((element, i) => visit(element, [...path, name, i]))
    }
    if (value?.change !== undefined) visit(value.change, [...path, 'change'])
  }
  if ('step' in step) visit(step.step, ['step'])
  else visit(step, [])
  // Those inside first: their paths stay right when lists around them become shorter later.
  return parts.toReversed()
}

function readPart(value: any, path: (string | number)[]): unknown[] {
  return path.reduce((inner, name) => inner[name], value)
}

function withPart(value: any, [name, ...rest]: (string | number)[], list: unknown[]): any {
  if (name === undefined) return list
  const inner = withPart(value[name], rest, list)
  return Array.isArray(value) ? value.with(name as number, inner) : { ...value, [name]: inner }
}
