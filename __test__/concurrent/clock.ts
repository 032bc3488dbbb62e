/** A clock that all threads and processes share. */

import { runtime } from '../support/runtime'

/** Now, in microseconds. */
export const now: () => number =
  runtime === 'node' ? () => Number(process.hrtime.bigint() / 1000n) : clockOfSystem()

/** In Bun and Deno, `process.hrtime` begins anew in each thread; this is what it is made of. */
function clockOfSystem(): () => number {
  const [library, monotonic] =
    process.platform === 'darwin' ? ['libSystem.B.dylib', 6] : ['libc.so.6', 1]
  const read = runtime === 'bun' ? clockOfBun(library!) : clockOfDeno(library!)
  /** Seconds and nanoseconds, as C has them. */
  const time = new BigInt64Array(2)
  return () => {
    if (read(monotonic, time) !== 0) throw new Error('there is no clock')
    return Number(time[0]! * 1_000_000n + time[1]! / 1000n)
  }
}

type ReadClock = (clock: unknown, time: BigInt64Array) => number

function clockOfBun(library: unknown): ReadClock {
  const { dlopen, ptr } = require('bun:ffi')
  const { symbols } = dlopen(library, { clock_gettime: { args: ['int', 'ptr'], returns: 'int' } })
  return (clock, time) => symbols.clock_gettime(clock, ptr(time))
}

function clockOfDeno(library: unknown): ReadClock {
  const { Deno } = globalThis as any
  const { symbols } = Deno.dlopen(library, {
    clock_gettime: { parameters: ['i32', 'buffer'], result: 'i32' },
  })
  return (clock, time) => symbols.clock_gettime(clock, time)
}
