/**
 * The restrictions of Electron that Node.js can have, too: no code is made from strings, and no
 * native module hands out memory of its own.
 */

import { join } from 'node:path'
import { attempt, Failure, run } from '../lib/common.mjs'
import { directory, manifestDirectory } from './runtimes.mjs'

const FLAG = '--disallow-code-generation-from-strings'
const C_FLAGS = ['-std=c11', '-O2', '-Wall', '-Wextra', '-Werror', '-fPIC', '-shared']

function compile(name, extension) {
  const library = join(directory, `${name}${extension}`)
  run('cc', [...C_FLAGS, join(manifestDirectory, `${name}.c`), '-o', library, '-ldl'])
  return library
}

/**
 * The environment in which Node.js is restricted so.
 *
 * @param {string} program of Node.js
 * @throws {Failure} where there is no C compiler, or a restriction has no effect
 */
export function restrictedEnvironment(program) {
  const preload = compile('no-external-buffers', '.so')
  const module = compile('external-buffer', '.node')
  const env = { NODE_OPTIONS: FLAG, LD_PRELOAD: preload }
  const options = { env: { ...process.env, ...env } }

  const outside = attempt(program, ['--print', `require(${JSON.stringify(module)}).length`])
  if (outside.stdout.trim() !== '16') throw new Failure(`a probe failed: ${outside.stderr}`)
  const inside = attempt(program, ['--print', `require(${JSON.stringify(module)}).length`], options)
  if (inside.signal !== 'SIGABRT' || !inside.stderr.includes('hands out external memory')) {
    throw new Failure('external memory is not refused, so there is nothing to be tested')
  }
  const code = attempt(program, ['--eval', "new Function('')"], options)
  if (!code.stderr.includes('EvalError')) {
    throw new Failure(`${FLAG} has no effect, so there is nothing to be tested`)
  }
  return env
}
