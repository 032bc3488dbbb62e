/** A key that is nowhere written down as a whole. */

export const KEY_LENGTH = 32

/** A byte of it. */
export function keyByte(at: number): number {
  return (at * at * 13 + at * 151 + 43) & 0xff
}

export const PASSPHRASE = 'four words of many'
export const NEXT_PASSPHRASE = 'four more of them'
export const KDF = { memory: 64, iterations: 2, parallelism: 1 }
