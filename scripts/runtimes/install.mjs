/** Installs the runtimes, in a folder of their own: they take a gigabyte. */

import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Failure, runNpm } from '../lib/common.mjs'
import { directory, manifestDirectory } from './runtimes.mjs'

const FILES = ['package.json', 'package-lock.json', '.npmrc']

/** Installs what the lock file names, unless exactly that is installed. */
export function ensureRuntimes() {
  if (isCurrent()) return
  console.log('lodestore: installing the runtimes …')
  mkdirSync(directory, { recursive: true })
  for (const file of FILES) copyFileSync(join(manifestDirectory, file), join(directory, file))
  try {
    // The packages' scripts only move programs about that are found without.
    runNpm(['ci', '--ignore-scripts', '--loglevel=error'], { cwd: directory })
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    throw new Failure('the runtimes could not be installed; npm says why above.')
  }
}

function isCurrent() {
  if (!existsSync(join(directory, 'node_modules', '.package-lock.json'))) return false
  return FILES.every(
    (file) =>
      existsSync(join(directory, file)) &&
      readFileSync(join(directory, file)).equals(readFileSync(join(manifestDirectory, file))),
  )
}
