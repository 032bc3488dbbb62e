/** Set-up of a checkout, without any dependency: what is there and current is left alone. */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Failure, readJson, root, runNpm } from './common.mjs'
import { buildNative, isNativeCurrent, nativePath } from './native.mjs'
import { hasCargo, requireToolchain } from './toolchain.mjs'

/** Installs what `package-lock.json` asks for, unless exactly that is installed. */
export function ensurePackages() {
  if (arePackagesCurrent()) return
  console.log('lodestore: installing npm packages …')
  try {
    runNpm(['ci', '--include=dev', '--include=optional', '--loglevel=error'])
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    throw new Failure('the npm packages could not be installed; npm says why above.')
  }
}

/** Compares the lock file with the record that npm keeps of what it installed. */
function arePackagesCurrent() {
  if (!existsSync(join(root, 'node_modules', '.package-lock.json'))) return false
  const wanted = readJson('package-lock.json').packages
  const installed = readJson('node_modules', '.package-lock.json').packages
  return Object.entries(wanted).every(
    ([path, { version, optional }]) =>
      path === '' || (optional && !(path in installed)) || installed[path]?.version === version,
  )
}

/** Builds the native library, unless the one in place was built so from these sources. */
export function ensureNative(profile) {
  if (isNativeCurrent(profile)) return
  if (!hasCargo() && existsSync(nativePath)) {
    console.log(`lodestore: no cargo here, so ${nativePath} is used as it is.`)
    return
  }
  requireToolchain()
  console.log(`lodestore: building the native library (${profile}) …`)
  buildNative(profile)
}

/** Everything that `npm start` needs. */
export function setUp(profile) {
  ensurePackages()
  ensureNative(profile)
}
