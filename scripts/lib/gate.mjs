/** The steps of the gate, and what runs them. */

import { attempt, Failure, root, run, runBin } from './common.mjs'
import { ensureNative, ensurePackages } from './setup.mjs'
import { hostTarget, requireToolchain } from './toolchain.mjs'

/** The formatter, the linter and the build tools of a checkout need this version of Node.js. */
const OLDEST_NODE = [20, 19]

/**
 * Every cargo step uses one profile, so that each dependency and its C code is compiled once:
 * optimised enough for tests that watch time, with debug assertions and overflow checks.
 */
const PROFILE = 'ci'

/**
 * Runs cargo for the host as an explicit target, as `napi build` does: cargo keeps what it compiles
 * with and without `--target` apart.
 */
function cargo(...args) {
  const env = { ...process.env, CARGO_BUILD_TARGET: hostTarget() }
  run('cargo', args, { env })
}

function clippy() {
  const common = ['clippy', '--locked', '--all-targets', '--profile', PROFILE]
  cargo(...common, '--features', 'fault-points', '--', '--deny', 'warnings')
  cargo(...common, '--no-default-features', '--', '--deny', 'warnings')
}

/** `cargo test`, by way of nextest where it is installed. */
function rustTests() {
  if (attempt('cargo', ['nextest', '--version']).status === 0) {
    cargo('nextest', 'run', '--locked', '--cargo-profile', PROFILE)
  } else {
    cargo('test', '--locked', '--profile', PROFILE, '--lib', '--tests')
  }
  cargo('test', '--locked', '--profile', PROFILE, '--doc')
}

/** The build has just written the generated files: they must be the ones that are committed. */
function generated() {
  const files = ['binding.js', 'binding.d.ts']
  const tracked = attempt('git', ['ls-files', '--error-unmatch', ...files])
  if (tracked.status !== 0) throw new Failure(`${files.join(' and ')} are not in git: add them`)
  const { status } = attempt('git', ['diff', '--exit-code', ...files], { stdio: 'inherit' })
  if (status !== 0) {
    throw new Failure(`${files.join(' or ')} differs from a fresh build: add what the build wrote`)
  }
}

/** The crash test's own library; without a reason to skip it, the crash test needs it. */
async function faultLibrary() {
  const { ensureFaultLibrary, whyNoFaultLibrary } = await import('./fault-library.mjs')
  if (whyNoFaultLibrary() === undefined) ensureFaultLibrary()
}

/** The fuzz targets are no part of the workspace, and no step compiles them. */
async function lockFiles() {
  const { checkLockFile } = await import('./lock-file.mjs')
  checkLockFile('fuzz/Cargo.toml')
}

async function packaging() {
  const { checkPackage } = await import('./package.mjs')
  checkPackage()
}

async function licenses() {
  const { checkLicenses } = await import('../licenses.mjs')
  checkLicenses()
}

/** The tests of models, stores, queries and crashes once more, on encrypted databases. */
async function sealedTests() {
  const { runGateTests } = await import('../test-sealed.mjs')
  runGateTests()
}

async function javaScriptTests(paths) {
  const { runTests } = await import('../test-js.mjs')
  runTests(paths)
}

/**
 * In the order they run: what fails fastest first, the JavaScript tests last, so that their counts
 * are the last lines. `needs` names the steps without which a step has nothing to check.
 */
const STEPS = [
  { name: 'rustfmt', body: () => cargo('fmt', '--all', '--check') },
  { name: 'prettier', body: () => runBin('prettier', ['--log-level', 'warn', '--check', '.']) },
  { name: 'lint', body: () => runBin('oxlint', ['--deny-warnings']) },
  { name: 'tidy', body: () => run(process.execPath, ['scripts/tidy.mjs']) },
  { name: 'types', body: () => runBin('typescript', ['--project', 'tsconfig.json']) },
  { name: 'licenses', body: licenses },
  { name: 'lock-files', body: lockFiles },
  { name: 'clippy', body: clippy },
  { name: 'build', body: () => ensureNative(PROFILE) },
  { name: 'generated', body: generated, needs: ['build'] },
  { name: 'rust', body: rustTests },
  { name: 'fault', body: faultLibrary },
  { name: 'sealed', body: sealedTests, needs: ['build'] },
  { name: 'packaging', body: packaging },
  { name: 'js', body: () => javaScriptTests(), needs: ['build'] },
]

/** Steps that run only when they are asked for: a part of another one. */
const EXTRA_STEPS = [
  {
    name: 'tarball',
    body: () => javaScriptTests(['__test__/packaging/tarball.test.ts']),
    needs: ['build'],
  },
]

function requireCurrentNode() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  const [oldestMajor, oldestMinor] = OLDEST_NODE
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return
  throw new Failure(
    `the development tools need Node.js ${OLDEST_NODE.join('.')} or newer, this is ` +
      `${process.version}: install a current version from https://nodejs.org.`,
  )
}

function selectSteps(args) {
  const [flag, names, ...rest] = args
  if (flag === undefined) return STEPS
  if (flag !== '--only' || names === undefined || rest.length > 0) {
    throw new Failure('usage: node scripts/ready.mjs [--only step,step] [--list]')
  }
  const known = [...STEPS, ...EXTRA_STEPS]
  for (const name of names.split(',')) {
    if (known.some((step) => step.name === name)) continue
    throw new Failure(
      `there is no step ${name}, only: ${known.map((step) => step.name).join(', ')}`,
    )
  }
  return known.filter((step) => names.split(',').includes(step.name))
}

const seconds = (since) => `${((performance.now() - since) / 1000).toFixed(1)} s`

async function runStep(step, outcomes) {
  const missing = step.needs?.find((name) => outcomes.get(name)?.ok === false)
  const start = performance.now()
  console.log(`\n── ${step.name}`)
  try {
    if (missing !== undefined) throw new Failure(`step ${missing} failed`)
    await step.body()
    outcomes.set(step.name, { ok: true, time: seconds(start) })
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    console.error(`lodestore: ${step.name}: ${error.message}`)
    outcomes.set(step.name, { ok: false, time: seconds(start) })
  }
}

function printOutcomes(outcomes) {
  console.log('')
  for (const [name, { ok, time }] of outcomes) {
    console.log(`${ok ? 'ok  ' : 'FAIL'} ${name.padEnd(10)} ${time.padStart(8)}`)
  }
}

/** Runs the steps that the command line asks for, all by default. */
export async function ready(args) {
  if (args[0] === '--list') {
    for (const { name } of [...STEPS, ...EXTRA_STEPS]) console.log(name)
    return
  }
  const steps = selectSteps(args)
  requireCurrentNode()
  process.chdir(root)
  const outcomes = new Map()
  await runStep({ name: 'set-up', body: setUpTools }, outcomes)
  if (!outcomes.get('set-up').ok) throw new Failure('nothing was checked: the set-up failed')
  for (const step of steps) {
    // The counts of the JavaScript tests are the last lines, so the table comes before them.
    if (step.name === 'js') printOutcomes(outcomes)
    await runStep(step, outcomes)
  }
  if (!outcomes.has('js')) printOutcomes(outcomes)
  const failed = [...outcomes].filter(([, { ok }]) => !ok).map(([name]) => name)
  if (failed.length > 0) throw new Failure(`failed: ${failed.join(', ')}`)
}

function setUpTools() {
  ensurePackages()
  requireToolchain()
}
