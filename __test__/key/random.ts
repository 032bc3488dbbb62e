/** Random keys for property tests; replay a run with LODESTORE_SEED. */

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

const bits = new DataView(new ArrayBuffer(8))

/** A source of random keys. */
export class RandomKeys {
  readonly random: () => number
  readonly inIndex: boolean

  constructor(random: () => number, inIndex: boolean) {
    this.random = random
    this.inIndex = inIndex
  }

  below(n: number): number {
    return Math.floor(this.random() * n)
  }

  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!
  }

  key(depth = 0): unknown {
    switch (this.below(this.inIndex ? 13 : 12)) {
      case 0:
      case 1:
      case 2:
        return this.number()
      case 3:
      case 4:
        return this.bigint()
      case 5:
        return new Date(this.below(2) === 0 ? this.below(200) - 100 : this.time())
      case 6:
      case 7:
      case 8:
        return this.string()
      case 9:
        return this.binary()
      case 12:
        return this.pick([null, true, false])
      default:
        return depth > 4 ? [] : Array.from({ length: this.below(4) }, () => this.key(depth + 1))
    }
  }

  /** A key near another one, so that order is decided late. */
  near(key: unknown): unknown {
    if (typeof key === 'number')
      return this.pick([key, -key, key + 1, key * (1 + 2 ** -52), key / 2])
    if (typeof key === 'bigint') {
      const near = key + BigInt(this.below(5) - 2)
      return near >= -(2n ** 63n) && near < 2n ** 64n ? this.pick([near, Number(near)]) : key
    }
    if (typeof key === 'string') {
      const cut = key.slice(0, this.below(key.length + 1))
      return this.pick([key, cut, key + this.unit(), cut + this.unit(), cut + this.string()])
    }
    if (key instanceof Date) return new Date(key.getTime() + (key.getTime() > 0 ? -1 : 1))
    if (key instanceof ArrayBuffer) {
      const bytes = new Uint8Array(key)
      return this.pick([key, bytes.slice(0, this.below(bytes.length + 1)).buffer, this.binary()])
    }
    if (Array.isArray(key)) {
      const cut = key.slice(0, this.below(key.length + 1))
      return this.pick([key, cut, [...cut, this.key(3)], key.map((element) => this.near(element))])
    }
    return key
  }

  number(): number {
    switch (this.below(6)) {
      case 0:
        return this.below(2000) - 1000
      case 1:
        return this.pick([0, -0, 5e-324, -5e-324, Infinity, -Infinity, 2.2250738585072014e-308])
      case 2:
        return (this.below(3) - 1) * (2 ** this.pick([52, 53, 54, 63, 64]) + this.below(8) - 4)
      case 3:
        return this.time()
      default:
        for (;;) {
          bits.setUint32(0, this.below(2 ** 32))
          bits.setUint32(4, this.pick([0, this.below(2 ** 32)]))
          const value = bits.getFloat64(0)
          if (!Number.isNaN(value)) return value
        }
    }
  }

  bigint(): bigint {
    const around = this.pick([0n, 2n ** 53n, -(2n ** 53n), 2n ** 63n, -(2n ** 63n), 2n ** 64n])
    const anywhere = (BigInt(this.below(2 ** 32)) << 32n) | BigInt(this.below(2 ** 32))
    const near = around + BigInt(this.below(5000) - 2500)
    const value = this.pick([near, anywhere, BigInt.asIntN(64, anywhere)])
    return value >= -(2n ** 63n) && value < 2n ** 64n ? value : around / 2n
  }

  string(): string {
    const length = this.pick([0, 1, 2, 5, 11, 12, 13, 23, 24, 25, this.below(60)])
    const alphabet = this.pick([1, 1, 2, 4])
    let text = this.below(8) === 0 ? 'shared prefix '.repeat(1 + this.below(200)) : ''
    for (let i = 0; i < length; i++) text += alphabet === 1 ? this.pick(['a', 'b']) : this.unit()
    return text
  }

  unit(): string {
    return String.fromCharCode(
      this.pick([
        this.below(4),
        this.below(128),
        this.below(0x900),
        this.below(0x10000),
        0xd7fe + this.below(4),
        0xdbfe + this.below(4),
        0xdffe + this.below(4),
        0xfffe + this.below(2),
      ]),
    )
  }

  binary(): ArrayBuffer {
    const bytes = new Uint8Array(this.below(20))
    for (let i = 0; i < bytes.length; i++) {
      bytes[i] = this.pick([0, 1, 2, 255, this.below(256)])
    }
    return bytes.buffer
  }

  time(): number {
    return Math.trunc((this.random() - 0.5) * 2 * 8.64e15)
  }
}
