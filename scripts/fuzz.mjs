/**
 * Fuzzes the core with libFuzzer, guided by coverage; see `fuzz/`.
 *
 *     npm run fuzz -- [--target name] [--runs 10000000] [--seconds n]
 *         [--sanitizer address] [--minimise]
 *
 * Without a target all of them run in turn. `javascript-codec` is the decoder in JavaScript, which
 * is fed by `scripts/fuzz-codec.mjs`. An input that makes a target fail is printed, as a line to
 * add to the target's corpus with the fix. `--minimise` replaces the corpus with the fewest inputs
 * that reach as much. Runs are several times as fast without AddressSanitizer, and most targets
 * have only safe Rust behind them; `npm run sanitize` has the corpus, too.
 */

import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Failure, main, run } from './lib/common.mjs'
import { CORE_TARGETS, buildTargets, fuzz, minimise } from './lib/fuzz.mjs'
import { ensurePackages } from './lib/setup.mjs'
import { requireToolchain } from './lib/toolchain.mjs'

const JAVASCRIPT = 'javascript-codec'

const { values } = parseArgs({
  options: {
    target: { type: 'string', multiple: true },
    runs: { type: 'string', default: '10000000' },
    seconds: { type: 'string', default: '0' },
    sanitizer: { type: 'string' },
    minimise: { type: 'boolean', default: false },
  },
})

await main(() => {
  const known = [...Object.keys(CORE_TARGETS), JAVASCRIPT]
  const targets = values.target ?? known
  const unknown = targets.find((name) => !known.includes(name))
  if (unknown !== undefined) {
    throw new Failure(`there is no target ${unknown}, only: ${known.join(', ')}`)
  }
  ensurePackages()
  requireToolchain()
  const core = targets.filter((name) => name !== JAVASCRIPT)
  const programs = core.length > 0 ? buildTargets(core, values.sanitizer) : undefined
  for (const name of core) {
    const program = join(programs, name)
    if (values.minimise) minimise(name, program)
    else fuzz(name, program, { runs: values.runs, seconds: values.seconds })
  }
  if (targets.includes(JAVASCRIPT) && !values.minimise) {
    run(process.execPath, ['--import', 'tsx', 'scripts/fuzz-codec.mjs', values.runs])
  }
})
