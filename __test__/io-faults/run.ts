/** Lets each call of a fixed piece of work fail, one at a time. */

import { existsSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { Child } from '../support/child'
import { KINDS, ioEnvironment, type Kind } from '../support/preload'
import type { Random } from '../support/random'
import type { Fault, Injected } from './inject'
import type { Sort } from './workload'

const INJECT = join(__dirname, 'inject.ts')

/** What takes longer than this hangs. */
const PATIENCE = 60_000

/** The errors that each kind of call fails with. */
const ERRORS: Record<Kind, string[]> = {
  'data-write': ['ENOSPC', 'EIO', 'EDQUOT', 'EINTR', 'short'],
  'meta-write': ['ENOSPC', 'EIO', 'EINTR', 'short'],
  'data-sync': ['EIO', 'ENOSPC'],
  'journal-write': ['ENOSPC', 'EIO', 'EDQUOT', 'EINTR', 'short'],
  'journal-sync': ['EIO', 'ENOSPC'],
  'other-write': ['ENOSPC', 'EIO'],
  'other-sync': ['EIO', 'ENOSPC'],
  'dir-sync': ['EIO'],
  open: ['EIO', 'EMFILE'],
  truncate: ['EIO', 'ENOSPC'],
  allocate: ['ENOSPC', 'EIO'],
  rename: ['EIO', 'ENOSPC'],
  unlink: ['EIO'],
  mkdir: ['ENOSPC', 'EIO'],
  link: ['ENOSPC', 'EIO'],
}

/** Options of `ioFaults`. */
export interface Options extends Sort {
  /** The kinds of calls that fail. Default: all. */
  kinds?: readonly Kind[]
  /** How many faults of all to try, chosen at random. Default: all. */
  sample?: { count: number; random: Random }
  onFault?: (done: number, all: number) => void
}

/** What was tried. */
export interface Tally {
  /** How many calls of each kind the work makes. */
  calls: Record<string, number>
  faults: number
  /** After how many of them an operation failed. */
  failed: number
}

/** @throws when a failure is not told clearly, or does harm */
export async function ioFaults(options: Options): Promise<Tally> {
  const { durability, isSealed, kinds = KINDS, sample, onFault } = options
  const sort: Sort = { durability, isSealed }
  const memory = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
  const home = realpathSync(mkdtempSync(join(memory, 'lodestore-io-faults-')))
  const directory = join(home, 'watched')
  const counts = join(home, 'counts')
  const child = new Child(INJECT, [directory], { env: ioEnvironment({ directory, counts }) })
  const run = async (fault: Fault): Promise<Injected> => {
    child.say({ fault, sort })
    const timer = new AbortController()
    const hangs = setTimeout(PATIENCE, { wrong: 'it hangs' }, { signal: timer.signal, ref: false })
    const said: any = await Promise.race([child.next(), hangs]).catch((error: unknown) => ({
      wrong: String(error),
    }))
    hangs.catch(() => {})
    timer.abort()
    if (said.wrong !== undefined) {
      throw new Error(`${JSON.stringify({ fault, ...sort })}: ${said.wrong}`)
    }
    return said
  }
  try {
    // A call that no run makes: nothing fails, and the calls are counted.
    const clean = await run({ kind: 'any', n: 1_000_000, error: 'EIO' })
    if (clean.failed) throw new Error('the work fails by itself')
    const all = kinds.flatMap((kind) =>
      ERRORS[kind].flatMap((error) =>
        Array.from({ length: clean.calls[KINDS.indexOf(kind)]! }, (_, i) => ({
          kind,
          n: i + 1,
          error,
        })),
      ),
    )
    const faults = sample === undefined ? all : pick(all, sample)
    let failed = 0
    for (const [i, fault] of faults.entries()) {
      if ((await run(fault)).failed) failed++
      onFault?.(i + 1, faults.length)
    }
    child.say({ sort })
    await child.ended
    const calls = Object.fromEntries(KINDS.map((kind, k) => [kind, clean.calls[k]!]))
    return { calls, faults: faults.length, failed }
  } finally {
    await child.kill()
    rmSync(home, { recursive: true, force: true })
  }
}

/** Some faults, the kinds and errors in turn. */
function pick(all: Fault[], { count, random }: { count: number; random: Random }): Fault[] {
  const groups = new Map<string, Fault[]>()
  for (const fault of all) {
    const name = `${fault.kind} ${fault.error}`
    groups.set(name, [...(groups.get(name) ?? []), fault])
  }
  const picked: Fault[] = []
  while (picked.length < count) {
    for (const faults of groups.values()) picked.push(random.pick(faults))
  }
  return picked.slice(0, count)
}
