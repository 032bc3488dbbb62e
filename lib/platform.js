'use strict'

/** The platforms that have a native library, by the names that napi-rs gives them. */
const SUPPORTED_PLATFORMS = Object.freeze([
  'darwin-arm64',
  'darwin-x64',
  'linux-arm64-gnu',
  'linux-arm64-musl',
  'linux-x64-gnu',
  'linux-x64-musl',
  'win32-arm64-msvc',
  'win32-x64-msvc',
])

/**
 * Names the C library of a Linux system. Node's own report states the version of glibc alone.
 *
 * @returns {'glibc' | 'musl'}
 */
function detectLibc() {
  const { report } = process
  const before = report.excludeNetwork
  report.excludeNetwork = true
  try {
    return report.getReport().header.glibcVersionRuntime === undefined ? 'musl' : 'glibc'
  } finally {
    report.excludeNetwork = before
  }
}

/**
 * Describes the platform that this process runs on.
 *
 * @returns {{ name: string, label: string, supported: boolean }} `name` as in the platform packages
 *   (`linux-x64-gnu`), `label` for people (`linux x64 (glibc)`).
 */
function hostPlatform() {
  const { platform, arch } = process
  let name = `${platform}-${arch}`
  let label = `${platform} ${arch}`
  if (platform === 'linux') {
    const libc = detectLibc()
    name += libc === 'musl' ? '-musl' : '-gnu'
    label += ` (${libc})`
  } else if (platform === 'win32') {
    name += '-msvc'
  }
  return { name, label, supported: SUPPORTED_PLATFORMS.includes(name) }
}

module.exports = { SUPPORTED_PLATFORMS, hostPlatform }
