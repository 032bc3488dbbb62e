/**
 * A program that does the work again and again, each time with another call that fails, and looks
 * at the database afterwards. Under the preload library, and in a process of its own, which a
 * failure could end or stop.
 */

import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { LodestoreError, open } from '../../index.js'
import { heard, say } from '../support/parent'
import { KINDS, readCounts, setRules, type Kind } from '../support/preload'
import { STORES, judge, judgeScratch, secret, work, type Outcome, type Sort } from './workload'

/** One call that fails. */
export interface Fault {
  kind: string
  n: number
  /** An error, or 'short' for a write. */
  error: string
}

const OTHER_BOOT = '00000000-0000-4000-8000-000000000000'

class Wrong extends Error {}

const DISK = new Set(['ENOSPC', 'EDQUOT'])

/** The codes with which the first operation may fail that a fault concerns. */
function codes({ error }: Fault): string[] {
  if (error === 'EINTR') return []
  if (error === 'EMFILE') return ['RESOURCE_LIMIT', 'POISONED']
  // A commit in the background that fails poisons, which is what operations hear first.
  if (error === 'short') return ['IO', 'DISK_FULL', 'POISONED']
  return DISK.has(error) ? ['DISK_FULL', 'POISONED'] : ['IO', 'POISONED']
}

/** Whether a fault, when an operation that commits tells of it, poisons the database. */
function poisons({ kind, error }: Fault): boolean {
  if (kind === 'meta-write') return true
  return ['data-sync', 'data-write', 'journal-sync'].includes(kind) && !DISK.has(error)
}

/** Checks how the operations ended. */
function judgeErrors(fault: Fault, outcomes: Outcome[]): void {
  let poisoned = false
  let told = false
  for (const { name, error } of outcomes) {
    const says = `${name}: ${error?.code ?? 'done'} ${error?.message ?? ''} ${error?.cause ?? ''}`
    if (name.startsWith('open')) poisoned = false
    // Closing gives up what there is; it need not fail.
    if (poisoned && !name.startsWith('close') && error?.code !== 'POISONED') {
      throw new Wrong(`the database was poisoned, but ${says}`)
    }
    if (error === undefined) continue
    if (!(error instanceof LodestoreError)) throw new Wrong(`not a LodestoreError: ${says}`)
    if (!told && !codes(fault).includes(error.code)) throw new Wrong(`another code: ${says}`)
    if (told && !poisoned && error.code !== 'POISONED')
      throw new Wrong(`one call failed, and later another one: ${says}`)
    told = true
    if (error.code === 'POISONED') {
      if (error.cause === undefined) throw new Wrong(`poisoned without a cause: ${says}`)
      poisoned = true
    } else if (!/^(open|backup|compact|close)/.test(name) && poisons(fault)) {
      // The write itself has told its own code; what follows is poisoned.
      poisoned = error.code !== 'DISK_FULL' || fault.kind === 'meta-write'
    }
  }
}

/** Opens the database and compares it with what was acknowledged; then has all of it checked. */
async function judgeDatabase(
  directory: string,
  outcomes: Outcome[],
  isSealed: boolean,
): Promise<void> {
  const path = join(directory, 'db')
  const db: any = await open(path, { stores: STORES, ...secret(isSealed) })
  judge(directory, db, await db.store('docs').getAll(), outcomes)
  judgeScratch(await db.store('scratch').count(), outcomes)
  await db.store('docs').put({ id: 'after' })
  await db.close()
  await checkAll(path, isSealed)
  // A backup that failed in its last step is complete, too.
  if (existsSync(join(directory, 'backup'))) await checkAll(join(directory, 'backup'), isSealed)
}

/** Has the engine check everything, as it does after a restart that left writes unsynced. */
async function checkAll(path: string, isSealed: boolean): Promise<void> {
  writeFileSync(join(path, 'lodestore.lock'), OTHER_BOOT)
  const checked: any = await open(path, { mode: 'open', ...secret(isSealed) })
  let warning: any
  checked.on('warning', (given: unknown) => (warning = given))
  await new Promise(setImmediate)
  await checked.close()
  if (!/were checked and are whole/.test(warning?.message ?? '')) {
    throw new Wrong(`the engine did not check everything: ${warning?.message}`)
  }
}

/** What a run with a fault tells. */
export interface Injected {
  /** Whether an operation failed. */
  failed: boolean
  /** How many calls of each kind the work made. */
  calls: number[]
}

const calls = (): Record<Kind, number> => readCounts(process.env.LODESTORE_IO_COUNTS!)

async function inject(directory: string, fault: Fault, sort: Sort): Promise<Injected> {
  const { kind, n, error } = fault
  mkdirSync(directory)
  const before = calls()
  setRules(directory, error === 'short' ? `short ${kind} ${n}` : `fail ${kind} ${n} ${error}`)
  const outcomes = await work(directory, sort)
  setRules(directory, '')
  const after = calls()
  judgeErrors(fault, outcomes)
  await judgeDatabase(directory, outcomes, sort.isSealed)
  if (readdirSync(directory).some((name) => name.endsWith('.unfinished'))) {
    // Taking it away again is what failed.
    if (kind !== 'unlink') throw new Wrong('a backup left its unfinished copy')
  }
  return {
    failed: outcomes.some((outcome) => outcome.error !== undefined),
    calls: KINDS.map((each) => after[each] - before[each]),
  }
}

async function main(): Promise<void> {
  const directory = process.argv[2]!
  for (;;) {
    const { fault, sort } = await heard<{ fault?: Fault; sort: Sort }>()
    if (fault === undefined) break
    try {
      say(await inject(directory, fault, sort))
    } catch (error: any) {
      say({ wrong: error instanceof Wrong ? error.message : (error?.stack ?? String(error)) })
    }
    setRules(directory, '')
    rmSync(directory, { recursive: true, force: true })
  }
}

main().catch((error) => {
  say({ wrong: error?.stack ?? String(error) })
  process.exitCode = 1
})
