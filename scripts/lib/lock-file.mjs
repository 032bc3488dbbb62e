/** Whether a crate outside of the workspace is locked to what it depends on today. */

import { attempt, Failure } from './common.mjs'

/**
 * Checks that the `Cargo.lock` beside a manifest needs no change. The crate itself is not compiled,
 * so nothing else notices when a crate that it depends on by its path gets another dependency.
 *
 * @param {string} manifest a path to a `Cargo.toml`
 * @throws {Failure} when the lock file is out of step
 */
export function checkLockFile(manifest) {
  const args = ['metadata', '--locked', '--format-version', '1', '--manifest-path', manifest]
  const { error, status, stderr } = attempt('cargo', args, { stdio: ['ignore', 'ignore', 'pipe'] })
  if (error) throw new Failure(`cargo could not be started: ${error.message}`)
  if (status === 0) return
  throw new Failure(
    `${stderr.trim()}\n\`cargo update --workspace --manifest-path ${manifest}\` brings the lock ` +
      'file into step',
  )
}
