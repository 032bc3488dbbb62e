/** Building and running the fuzz targets of `fuzz/`, with nothing but cargo and a C++ compiler. */

import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { Failure, root, run } from './common.mjs'
import { sanitizedBuild } from './sanitizer.mjs'
import { hostTarget } from './toolchain.mjs'

/** The targets of the core, and the longest inputs that are tried. */
export const CORE_TARGETS = {
  'catalog-record': 2048,
  'data-file': 8192,
  document: 1024,
  envelope: 1024,
  'format-record': 128,
  key: 256,
  'lock-file': 300,
  open: 512,
  operations: 1024,
  pages: 512,
  pipeline: 512,
  query: 1024,
  repair: 512,
  requests: 256,
  update: 1024,
}

/** What cargo fuzz passes, too: counters and comparisons for libFuzzer. */
const COVERAGE = [
  'passes=sancov-module',
  'llvm-args=-sanitizer-coverage-level=4',
  'llvm-args=-sanitizer-coverage-inline-8bit-counters',
  'llvm-args=-sanitizer-coverage-pc-table',
  'llvm-args=-sanitizer-coverage-trace-compares',
]

const HEX_LINE = /^[0-9a-f]*$/

/** Builds targets, with `sanitizer` or none; returns the directory of the programs. */
export function buildTargets(names, sanitizer) {
  const kind = sanitizer === undefined ? 'fuzz' : `fuzz-${sanitizer}`
  const { env, directory } = sanitizedBuild(sanitizer, { kind, flags: COVERAGE })
  const target = hostTarget()
  const place = ['--target', target, '--target-dir', directory]
  const manifest = ['--manifest-path', join('fuzz', 'Cargo.toml')]
  const programs = names.flatMap((name) => ['--bin', name])
  run('cargo', ['build', '--locked', '--release', ...manifest, ...place, ...programs], { env })
  return join(directory, target, 'release')
}

const corpusFile = (name) => join(root, 'fuzz', 'corpus', `${name}.txt`)

/** The lines of a corpus, without comments. */
function corpus(name) {
  if (!existsSync(corpusFile(name))) return []
  const lines = readFileSync(corpusFile(name), 'utf8').split('\n')
  return lines.map((line) => line.replace(/#.*/, '').trim()).filter((line) => line !== '')
}

/** A new directory with an input of the corpus in each file. */
function unpack(name, directory) {
  rmSync(directory, { recursive: true, force: true })
  mkdirSync(directory, { recursive: true })
  for (const [number, line] of corpus(name).entries()) {
    if (!HEX_LINE.test(line)) throw new Failure(`line ${number} of corpus ${name} is not hex`)
    writeFileSync(join(directory, `seed-${number}`), Buffer.from(line, 'hex'))
  }
}

/** Where libFuzzer keeps what it finds, from one run to the next. */
const foundDirectory = (name) => join(root, 'target', 'fuzz', 'found', name)

function options(name) {
  return [`-max_len=${CORE_TARGETS[name]}`, '-timeout=20', '-rss_limit_mb=4096']
}

/** Feeds a target; throws when an input makes it fail, and prints that input. */
export function fuzz(name, program, { runs, seconds }) {
  const [seeds, found, failed] = [
    join(root, 'target', 'fuzz', 'seeds', name),
    foundDirectory(name),
    join(root, 'target', 'fuzz', 'failed', name),
  ]
  unpack(name, seeds)
  rmSync(failed, { recursive: true, force: true })
  for (const directory of [found, failed]) mkdirSync(directory, { recursive: true })
  console.log(`lodestore: fuzzing ${name} …`)
  const limits = [`-runs=${runs}`, `-max_total_time=${seconds}`, '-print_final_stats=1']
  const places = [`-artifact_prefix=${failed}/`, found, seeds]
  try {
    run(program, [...options(name), ...limits, '-verbosity=0', ...places], environment())
  } catch (error) {
    for (const file of readdirSync(failed)) {
      const hex = readFileSync(join(failed, file)).toString('hex')
      console.error(`${file}, as a line for fuzz/corpus/${name}.txt:\n${hex}`)
    }
    throw error
  }
}

/** Replaces the corpus with the fewest inputs, of it and of what was found, that reach as much. */
export function minimise(name, program) {
  const [seeds, merged] = ['seeds', 'merged'].map((kind) =>
    join(root, 'target', 'fuzz', kind, name),
  )
  unpack(name, seeds)
  rmSync(merged, { recursive: true, force: true })
  for (const directory of [merged, foundDirectory(name)]) mkdirSync(directory, { recursive: true })
  const places = [merged, seeds, foundDirectory(name)]
  run(program, [...options(name), '-merge=1', ...places], environment())
  const files = readdirSync(merged).map((file) => join(merged, file))
  const sizes = files.toSorted((a, b) => statSync(a).size - statSync(b).size)
  const lines = sizes.map((file) => readFileSync(file).toString('hex'))
  writeFileSync(corpusFile(name), lines.filter((line) => line !== '').join('\n') + '\n')
  console.log(`lodestore: ${lines.length} inputs in fuzz/corpus/${name}.txt`)
}

/** LMDB's environments are open when the process ends, on purpose: a fuzzer drops nothing. */
function environment() {
  return { env: { ...process.env, ASAN_OPTIONS: 'detect_leaks=0' } }
}
