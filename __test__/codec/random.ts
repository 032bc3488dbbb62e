/** Random documents for property tests; replay a run with LODESTORE_SEED. */

/** The seed of this run. */
export const seed = Number(process.env.LODESTORE_SEED ?? Math.floor(Math.random() * 2 ** 32))

/** Numbers in [0, 1), by mulberry32. */
export function randomSource(from: number): () => number {
  let state = from >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

const NUMBERS = [
  ...[0, -0, 1, -1, 63, 64, 255, 256, 65535, 65536, -256, -257, 2 ** 31 - 1, -(2 ** 31), 2 ** 31],
  ...[NaN, Infinity, -Infinity, 0.1, 1e21, 5e-324, Number.MAX_VALUE, 2 ** 53 - 1, 1.7e12],
]
const NAMES = [
  ...['id', 'name', 'a', 'b', 'c', 'tags', 'address', 'city', 'x y', 'é', '日本', '', '\ud800'],
  ...['__proto__', 'constructor', 'toString', '0', '7', '4294967295', 'length', 'x'.repeat(70)],
]
const ALPHABETS = ['abc XYZ0', 'aéÿ\0\x80', 'a日本é', 'a😀b', 'a\ud800\udc00\udfff']
const LENGTHS = [0, 1, 2, 5, 12, 13, 23, 24, 63, 64, 65, 255, 256, 300]
const ERRORS = [...[Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError]]
const VIEWS = [
  ...[Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array],
  ...[Float32Array, Float64Array, BigInt64Array, BigUint64Array, DataView],
]

/** A source of random documents of every type that can be stored. */
export class RandomDocuments {
  readonly random: () => number
  /** Objects of the document being made, to be used again. */
  private made: object[] = []
  private left = 0

  constructor(random: () => number) {
    this.random = random
  }

  below(n: number): number {
    return Math.floor(this.random() * n)
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)] as T
  }

  document(): unknown {
    this.made = []
    this.left = this.pick([3, 10, 30, 100])
    return this.random() < 0.9 ? this.object() : this.value(4)
  }

  value(depth: number): unknown {
    if (this.left-- < 0) return this.below(100)
    const kind = this.below(depth > 0 ? 20 : 11)
    switch (kind) {
      case 0:
        return this.pick([null, undefined, true, false])
      case 1:
      case 2:
        return this.below(100)
      case 3:
        return this.random() < 0.5 ? this.pick(NUMBERS) : (this.random() - 0.5) * 1e6
      case 4:
      case 5:
      case 6:
        return this.string()
      case 7:
        return this.bigint()
      case 8:
        return this.keep(new Date(this.pick([NaN, 0, -1, 1.7e12, 8.64e15])))
      case 9:
        return this.keep(this.scalarObject())
      case 10:
        return this.made.length > 0 && this.random() < 0.3 ? this.pick(this.made) : this.string()
      case 11:
      case 12:
      case 13:
        return this.object(depth - 1)
      case 14:
      case 15:
        return this.array(depth - 1)
      case 16:
        return this.map(depth - 1)
      case 17:
        return this.set(depth - 1)
      case 18:
        return this.error(depth - 1)
      default:
        return this.records(depth - 1)
    }
  }

  string(): string {
    const alphabet = this.pick(ALPHABETS)
    const length = this.random() < 0.8 ? this.below(16) : this.pick(LENGTHS)
    let text = ''
    while (text.length < length) text += alphabet[this.below(alphabet.length)]
    return text
  }

  bigint(): bigint {
    const bits = BigInt(this.pick([0, 1, 8, 63, 64, 65, 200]))
    const value = (1n << bits) - BigInt(this.below(3))
    return this.random() < 0.5 ? value : -value
  }

  object(depth = 4): object {
    const object = this.keep({}) as Record<string, unknown>
    const fields = this.below(this.random() < 0.02 ? 400 : 8)
    for (let i = 0; i < fields; i++) {
      const name = fields > 8 ? `f${this.below(1000)}` : this.pick(NAMES)
      define(object, name, this.value(depth))
    }
    return object
  }

  /** Several objects with the same fields. */
  records(depth: number): unknown[] {
    const names = [...new Set([this.pick(NAMES), this.pick(NAMES), `f${this.below(50)}`])]
    const records = this.keep(new Array(this.below(5)).fill(0)) as unknown[]
    for (let i = 0; i < records.length; i++) {
      const record = this.keep({})
      for (const name of names) define(record, name, this.value(depth))
      records[i] = record
    }
    return records
  }

  array(depth: number): unknown[] {
    const array = this.keep([]) as unknown[]
    const length = this.random() < 0.8 ? this.below(10) : this.below(40)
    const holes = this.random() < 0.2
    for (let i = 0; i < length; i++) {
      if (holes && this.random() < 0.3) array.length += 1 + this.below(this.random() < 0.1 ? 90 : 7)
      else array.push(this.value(depth))
    }
    return array
  }

  map(depth: number): Map<unknown, unknown> {
    const map = this.keep(new Map()) as Map<unknown, unknown>
    for (let i = this.below(4); i > 0; i--) map.set(this.value(depth), this.value(depth))
    return map
  }

  set(depth: number): Set<unknown> {
    const set = this.keep(new Set()) as Set<unknown>
    for (let i = this.below(4); i > 0; i--) set.add(this.value(depth))
    return set
  }

  error(depth: number): Error {
    Error.stackTraceLimit = 1
    const error = this.keep(
      this.random() < 0.2 ? new AggregateError([1], 'all') : new (this.pick(ERRORS))(this.string()),
    ) as Error
    Error.stackTraceLimit = 10
    if (this.random() < 0.3) error.name = 'CustomError'
    if (this.random() < 0.3) define(error, 'code', this.value(depth))
    if (this.random() < 0.3) {
      Object.defineProperty(error, 'cause', {
        value: this.value(depth),
        writable: true,
        configurable: true,
        enumerable: false,
      })
    }
    return error
  }

  scalarObject(): object {
    switch (this.below(4)) {
      case 0:
        return new RegExp(this.pick(['', 'a+', '^é/$', '[\\]]']), this.pick(['', 'g', 'imsuy']))
      case 1:
        return Object(this.pick([1, -0, NaN, 'boxed', '', true, false, 5n])) as object
      case 2:
        return this.bytes(this.below(5) * 8).buffer
      default: {
        const bytes = this.bytes(this.below(5) * 8 + 16)
        return new (this.pick(VIEWS))(bytes.buffer, 8, bytes.length / 8 - 1)
      }
    }
  }

  bytes(length: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(length)
    for (let i = 0; i < length; i++) bytes[i] = this.below(256)
    return bytes
  }

  private keep<T extends object>(object: T): T {
    this.made.push(object)
    return object
  }
}

/** Sets a field as object literals do, `__proto__` included. */
export function define(object: object, name: string, value: unknown): void {
  if (!(name in Object.prototype)) {
    ;(object as Record<string, unknown>)[name] = value
    return
  }
  Object.defineProperty(object, name, {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  })
}
