/** Smaller values that fail, too. */

/**
 * Makes a value smaller, step by step, as long as it fails.
 *
 * @param value plain data
 * @param fails whether a candidate still does
 */
export async function shrinkValue<T>(
  value: T,
  fails: (candidate: T) => boolean | Promise<boolean>,
): Promise<T> {
  for (;;) {
    let smaller: { value: T } | undefined
    for (const candidate of candidates(value)) {
      if (await fails(candidate as T)) {
        smaller = { value: candidate as T }
        break
      }
    }
    if (smaller === undefined) return value
    value = smaller.value
  }
}

/** Values that are a little smaller, the smallest first. */
function* candidates(value: unknown): Generator<unknown> {
  if (Array.isArray(value)) {
    yield* value
    for (let i = 0; i < value.length; i++) yield value.toSpliced(i, 1)
    for (let i = 0; i < value.length; i++) {
      for (const smaller of candidates(value[i])) yield value.with(i, smaller)
    }
  } else if (isPlain(value)) {
    const names = Object.keys(value)
    for (const name of names) {
      if (isPlain(value[name])) yield value[name]
    }
    for (const name of names) yield without(value, name)
    for (const name of names) {
      for (const smaller of candidates(value[name])) yield { ...value, [name]: smaller }
    }
  } else if (typeof value === 'string' && value !== '') {
    yield ''
    yield value.slice(1)
  } else if (typeof value === 'number' && value !== 0) {
    yield 0
    if (Math.abs(value) > 1) yield Math.trunc(value / 2)
  } else if (value instanceof Date && value.getTime() !== 0) {
    yield new Date(0)
  }
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
  )
}

function without(object: Record<string, unknown>, name: string): object {
  return Object.fromEntries(Object.entries(object).filter(([other]) => other !== name))
}
