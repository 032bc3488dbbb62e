/**
 * The library of `tests/preload`, which records what a program writes and syncs, and lets calls
 * fail; see `tests/preload/io.h` for rules and log.
 */

import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { runtime } from './runtime'

const root = join(__dirname, '..', '..')
const SOURCES = join(root, 'tests', 'preload')

/** The kinds of calls, in the order of the counts. */
export const KINDS = [
  'data-write',
  'meta-write',
  'data-sync',
  'journal-write',
  'journal-sync',
  'other-write',
  'other-sync',
  'dir-sync',
  'open',
  'truncate',
  'allocate',
  'rename',
  'unlink',
  'mkdir',
  'link',
] as const

export type Kind = (typeof KINDS)[number]

/** Why the library cannot be used here; undefined if it can. */
export function noPreload(): string | undefined {
  if (process.platform !== 'linux') return 'preloading a library needs Linux'
  if (runtime !== 'node') return 'what is preloaded is a library for Node.js'
  if (!['x64', 'arm64'].includes(process.arch)) return 'the preload library is for 64 bits'
  return undefined
}

/** Compiles the library, unless that has been done, and gives its path. */
export function preloadLibrary(): string {
  const names = readdirSync(SOURCES).toSorted()
  const hash = createHash('sha256')
  for (const name of names) hash.update(name).update(readFileSync(join(SOURCES, name)))
  const folder = join(root, '.cache', 'preload')
  const library = join(folder, `${hash.digest('hex').slice(0, 16)}.so`)
  if (existsSync(library)) return library
  mkdirSync(folder, { recursive: true })
  // Complete before it has its name: several tests may be about to use it.
  const unfinished = `${library}.${process.pid}`
  const flags = ['-std=c11', '-O2', '-Wall', '-Wextra', '-Werror', '-fPIC', '-shared', '-pthread']
  const files = names.filter((name) => name.endsWith('.c')).map((name) => join(SOURCES, name))
  const args = [...flags, '-fvisibility=hidden', ...files, '-o', unfinished, '-ldl']
  const { status, stderr, error } = spawnSync('cc', args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`the preload library does not compile: ${error ?? stderr}`)
  renameSync(unfinished, library)
  return library
}

/** What `ioEnvironment` sets. */
export interface IoOptions {
  /** The directory that is watched: absolute, without symbolic links. */
  directory: string
  log?: string
  counts?: string
  rules?: string
}

/** The environment of a program that runs with the library. */
export function ioEnvironment(options: IoOptions): Record<string, string> {
  const env: Record<string, string> = {
    LD_PRELOAD: preloadLibrary(),
    LODESTORE_IO_DIR: options.directory,
  }
  if (options.log !== undefined) env.LODESTORE_IO_LOG = options.log
  if (options.counts !== undefined) env.LODESTORE_IO_COUNTS = options.counts
  if (options.rules !== undefined) env.LODESTORE_IO_RULES = options.rules
  return env
}

/** In the program under test: sets rules in the place of all older ones. */
export function setRules(directory: string, rules: string): void {
  writeFileSync(join(directory, 'io-rules'), rules === '' ? 'none' : rules)
}

/** In the program under test: puts a mark into the log. */
export function mark(directory: string, text: string): void {
  writeFileSync(join(directory, 'io-mark'), text)
}

/** How many calls of each kind there were. */
export function readCounts(path: string): Record<Kind, number> {
  const bytes = readFileSync(path)
  const counts = KINDS.map((kind, i) => [kind, Number(bytes.readBigUInt64LE(i * 8))] as const)
  return Object.fromEntries(counts) as Record<Kind, number>
}

const TYPES = [
  'none',
  'open',
  'write',
  'sync',
  'skipped',
  'truncate',
  'rename',
  'link',
  'unlink',
  'mkdir',
  'mark',
] as const

/** A record of the log. */
export interface IoRecord {
  type: (typeof TYPES)[number]
  pid: number
  /** What an open is known by. */
  file: number
  flags: number
  offset: number
  /** The bytes of a write, a path, two paths with a NUL between them, or a mark. */
  payload: Buffer
}

const HEADER = 32

/** Reads a log. Half a record at its end, of a program that was killed, is left out. */
export function readLog(path: string): IoRecord[] {
  const bytes = readFileSync(path)
  const records: IoRecord[] = []
  for (let at = 0; at + HEADER <= bytes.length;) {
    const end = at + HEADER + bytes.readUInt32LE(at)
    if (end > bytes.length) break
    records.push({
      type: TYPES[bytes.readUInt16LE(at + 4)]!,
      pid: bytes.readUInt32LE(at + 8),
      file: bytes.readUInt32LE(at + 12),
      flags: bytes.readUInt32LE(at + 16),
      offset: Number(bytes.readBigUInt64LE(at + 24)),
      payload: bytes.subarray(at + HEADER, end),
    })
    at = end
  }
  return records
}
