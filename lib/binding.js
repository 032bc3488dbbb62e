'use strict'

const { existsSync } = require('node:fs')
const { join } = require('node:path')
const { version } = require('../package.json')
const { LodestoreError } = require('./errors')
const { SUPPORTED_PLATFORMS, hostPlatform } = require('./platform')

/**
 * Finds out why no native library was loaded. The generated loader chains what each place it looked
 * in answered; a place that merely has no library is not a reason.
 *
 * @param {Error} error what the generated loader threw
 * @returns {string | undefined} the message of the first library that was there but failed
 */
function failureOfFoundLibrary(error) {
  let found
  for (let link = error.cause; link instanceof Error; link = link.cause) {
    if (!/^(Cannot find module|Unsupported) /.test(link.message)) found = link.message
  }
  return found
}

/**
 * The permission that the load lacked in Deno, in Deno's words; undefined if none.
 *
 * @param {Error} error what the generated loader threw
 */
function deniedPermission(error) {
  if (process.versions.deno === undefined) return undefined
  for (let link = error; link instanceof Error; link = link.cause) {
    if (/^Requires \w+ access/.test(link.message)) return link.message
  }
  return undefined
}

/** Turns a failed load into one error that says what to do. */
function loadError(cause) {
  const denied = deniedPermission(cause)
  if (denied !== undefined) {
    const message =
      'Deno must permit Lodestore to load its native library, with --allow-read, --allow-env and ' +
      `--allow-ffi: ${denied}`
    return new LodestoreError('UNSUPPORTED', message, { cause })
  }
  const { name, label, supported } = hostPlatform()
  const failure = failureOfFoundLibrary(cause)
  if (failure !== undefined) {
    const message = `The native library for ${label} could not be loaded: ${failure}`
    return new LodestoreError('UNSUPPORTED', message, { cause })
  }
  if (!supported) {
    const platforms = SUPPORTED_PLATFORMS.join(', ')
    const message = `Lodestore has no native library for ${label}, only for: ${platforms}`
    return new LodestoreError('UNSUPPORTED', message, { cause })
  }
  const isCheckout = existsSync(join(__dirname, '..', 'Cargo.toml'))
  const remedy = isCheckout
    ? 'this is a source checkout, so build it with `npm run build`'
    : `install it with \`npm install lodestore-${name}@${version}\` (npm does so itself, unless ` +
      'optional dependencies are omitted or the lock file was made on another platform)'
  const message =
    `The native library for ${label} is not installed (package lodestore-${name}): ` + remedy
  return new LodestoreError('UNSUPPORTED', message, { cause })
}

function loadNative() {
  let native
  try {
    native = require('../binding.js')
  } catch (cause) {
    throw loadError(cause)
  }
  const nativeVersion = native.nativeVersion?.()
  if (nativeVersion !== version) {
    const message =
      `The native library is version ${nativeVersion ?? 'unknown'}, but the lodestore package is ` +
      `version ${version}: reinstall lodestore so that both match`
    throw new LodestoreError('ABI_MISMATCH', message)
  }
  return native
}

/** The native library. Requiring this module throws when there is none for this platform. */
module.exports = loadNative()
