/** Random documents and keys: few enough different ones that they meet. */

import type { Random } from '../support/random'
import type { Key } from './keys'

/** Longer than what one key of the storage engine holds. */
const LONG = 'long '.repeat(400)

/** A source of documents and keys. */
export class RandomValues {
  constructor(private readonly random: Random) {}

  /** A key of a store. */
  key(): Key {
    const { random } = this
    const kind = random.below(100)
    if (kind < 50) return random.below(60)
    if (kind < 56) return random.between(-20, 20) / 4
    if (kind < 68)
      return (
        random.pick(['', 'a', 'ab', 'b', 'ä', '\u{1F600}', '\uffff', 'z\u0000', 'id-']) +
        random.below(4)
      )
    if (kind < 74) return new Date(random.between(-3, 12) * 86_400_000)
    if (kind < 80)
      return new Uint8Array(random.list(random.below(4), () => random.pick([0, 1, 2, 255]))).buffer
    if (kind < 84)
      return BigInt(random.below(20)) + random.pick([0n, 2n ** 53n, 2n ** 63n, -(2n ** 60n)])
    if (kind < 93) return random.list(random.below(3), () => this.key())
    if (kind < 98)
      return LONG + random.pick(['', 'x', 'y'.repeat(random.below(900)), random.below(9)])
    return [LONG + random.below(3), random.below(5)]
  }

  /** Something that is not a key of a store. */
  notAKey(): unknown {
    return this.random.pick([
      NaN,
      true,
      false,
      null,
      {},
      new Date(NaN),
      [1, NaN],
      [[null]],
      2n ** 65n,
      new Map(),
    ])
  }

  /** A value of an indexed field. */
  indexed(): Key {
    const { random } = this
    const kind = random.below(100)
    if (kind < 45) return random.below(12)
    if (kind < 52) return random.pick([null, true, false])
    if (kind < 75) return random.pick(['', 'a', 'aa', 'b', 'c', 'ü', '\ud800', 'tag'])
    return this.key()
  }

  /** One of many long keys that begin alike: such keys are stored together. */
  manyLong(): string {
    return LONG + this.random.below(400)
  }

  /** A document. */
  document(): any {
    const { random } = this
    const document: Record<string, unknown> = {}
    if (random.chance(0.9)) document.a = this.field()
    if (random.chance(0.8))
      document.b = random.chance(0.8) ? random.pick(['a', 'b', 'c', '']) : this.field()
    if (random.chance(0.7)) document.tags = this.tags()
    if (random.chance(0.6)) document.n = this.nested()
    if (random.chance(0.5)) document.u = this.seldomTheSame()
    if (random.chance(0.06))
      document.long = LONG + random.below(6) + (random.chance(0.3) ? LONG : '')
    if (random.chance(0.3)) document.payload = this.payload()
    if (random.chance(0.02)) document[`rare ${random.below(1000)}`] = 1
    return document
  }

  private field(): unknown {
    const { random } = this
    if (random.chance(0.8)) return this.indexed()
    return random.pick([
      undefined,
      NaN,
      {},
      new Date(NaN),
      -0,
      [null],
      2n ** 70n,
      /x/,
      [],
      // oxlint-disable-next-line no-sparse-arrays -- holes are the point
      [1, , 2],
    ])
  }

  private tags(): unknown {
    const { random } = this
    if (random.chance(0.1)) return this.field()
    const element = (): unknown =>
      random.chance(0.9) ? random.pick(['x', 'y', 'z', 1, 2, 3]) : this.field()
    return random.list(random.below(6), element)
  }

  private seldomTheSame(): unknown {
    const { random } = this
    const kind = random.below(100)
    if (kind < 10) return null
    if (kind < 25) return random.list(random.below(4), () => random.below(1500))
    return random.below(1500)
  }

  private nested(): unknown {
    const { random } = this
    return random.pick([
      { x: random.below(9) },
      { x: this.field() },
      { y: 1 },
      [{ x: 1 }, { x: 2 }],
      null,
      5,
      { x: { x: 1 } },
    ])
  }

  private payload(): unknown {
    const { random } = this
    const kind = random.below(100)
    if (kind < 40) return 'text '.repeat(random.below(40))
    if (kind < 45) return 'large '.repeat(random.between(500, 20_000))
    if (kind < 48) return new Uint8Array(random.below(9000)).fill(random.below(256))
    return random.pick<unknown>([
      new Map<unknown, unknown>([
        ['k', 1],
        [{ deep: [1] }, undefined],
      ]),
      new Set([1, 'two', null]),
      // oxlint-disable-next-line no-sparse-arrays -- holes are the point
      [undefined, null, , 'after a hole'],
      { and: { so: { on: [1, [2, [3, { end: true }]]] } } },
      new Error('kept'),
      new Float64Array([1.5, NaN, -0]),
      '\u{1F680} and \ud83d alone',
      123456789012345678901234567890n,
      Object(false),
    ])
  }
}
