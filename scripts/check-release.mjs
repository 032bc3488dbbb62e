/**
 * Refuses a release that is not whole: every platform package there, all of one version, each with
 * a library for its own system that runs on the oldest supported one.
 *
 *     node scripts/check-release.mjs [--tag v1.2.3]              before the libraries are there
 *     node scripts/check-release.mjs --publish [--tag v1.2.3]    right before publishing
 */

import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import platform from '../lib/platform.js'
import { glibcOf, hasFaultPoints, identify, isNeverUnloaded } from './lib/binary.mjs'
import { Failure, isMain, main, root } from './lib/common.mjs'

/** The oldest glibc that a supported Node.js runs on: that of Node.js 20. */
const OLDEST_GLIBC = [2, 28]

/** What the manifest of a platform package says about where it belongs. */
export function describePlatform(name) {
  const [os, cpu, abi] = name.split('-')
  const libc = { gnu: 'glibc', musl: 'musl' }[abi]
  return { os: [os], cpu: [cpu], libc: libc && [libc] }
}

const sameList = (a, b) => JSON.stringify(a) === JSON.stringify(b)

function* checkManifest(name, manifest, version) {
  const expected = describePlatform(name)
  for (const field of ['os', 'cpu', 'libc']) {
    if (!sameList(manifest[field], expected[field])) {
      yield `its ${field} is ${JSON.stringify(manifest[field])}`
    }
  }
  if (manifest.name !== `lodestore-${name}`) yield `its name is ${manifest.name}`
  if (manifest.version !== version) yield `its version is ${manifest.version}, not ${version}`
  if (manifest.main !== `lodestore.${name}.node`) yield `its main is ${manifest.main}`
}

function* checkLibrary(name, folder) {
  if (!existsSync(join(folder, 'THIRD_PARTY_LICENSES'))) yield 'it has no THIRD_PARTY_LICENSES'
  const path = join(folder, `lodestore.${name}.node`)
  if (!existsSync(path)) {
    yield 'it has no library'
    return
  }
  const library = readFileSync(path)
  const found = identify(library)
  const { os, cpu, libc } = describePlatform(name)
  if (found !== `${os[0]}-${cpu[0]}`) yield `its library is for ${found ?? 'an unknown system'}`
  if (hasFaultPoints(library)) yield 'its library has fault points, which are for tests only'
  const [major, minor] = glibcOf(library)
  if (libc?.[0] === 'musl' && major > 0) yield 'its library needs glibc'
  if (libc?.[0] !== 'glibc') return
  const [oldestMajor, oldestMinor] = OLDEST_GLIBC
  if (major > oldestMajor || (major === oldestMajor && minor > oldestMinor)) {
    yield `its library needs glibc ${major}.${minor}, newer than ${OLDEST_GLIBC.join('.')}`
  }
  if (!isNeverUnloaded(library)) yield 'its library is not linked with -z nodelete'
}

function* checkRoot(folder, { publish, tag }) {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const { version, optionalDependencies = {} } = manifest
  const crate = /^version = "(.*)"/m.exec(readFileSync(join(folder, 'Cargo.toml'), 'utf8'))?.[1]
  if (crate !== version) yield `Cargo.toml: its version is ${crate}, not ${version}`
  if (tag !== undefined && tag !== `v${version}`) yield `the tag ${tag} is not v${version}`
  if (!publish) return
  const changes = readFileSync(join(folder, 'CHANGELOG.md'), 'utf8')
  if (!changes.includes(`\n## [${version}]`)) yield `CHANGELOG.md: it has no section [${version}]`
  const expected = platform.SUPPORTED_PLATFORMS.map((name) => [`lodestore-${name}`, version])
  if (!sameList(Object.entries(optionalDependencies).toSorted(), expected.toSorted())) {
    yield 'package.json: its optionalDependencies are not the platform packages at this version'
  }
}

/**
 * Lists what keeps a release from being whole.
 *
 * @param {string} folder the checkout
 * @param {{ publish?: boolean, tag?: string }} [options] `publish`: the libraries must be there
 * @returns {string[]}
 */
export function checkRelease(folder, options = {}) {
  const problems = [...checkRoot(folder, options)]
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const present = readdirSync(join(folder, 'npm'))
  for (const name of platform.SUPPORTED_PLATFORMS) {
    if (!present.includes(name)) {
      problems.push(`npm/${name}: it is missing`)
      continue
    }
    const path = join(folder, 'npm', name)
    const manifest = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'))
    const found = [...checkManifest(name, manifest, version)]
    if (options.publish) found.push(...checkLibrary(name, path))
    problems.push(...found.map((problem) => `npm/${name}: ${problem}`))
  }
  for (const name of present) {
    if (!platform.SUPPORTED_PLATFORMS.includes(name))
      problems.push(`npm/${name}: it is not supported`)
  }
  return problems
}

if (isMain(import.meta.url)) {
  await main(() => {
    const args = process.argv.slice(2)
    const at = args.indexOf('--tag')
    const tag = at === -1 ? undefined : args[at + 1]
    const problems = checkRelease(root, { publish: args.includes('--publish'), tag })
    if (problems.length > 0) throw new Failure(`this is no release:\n${problems.join('\n')}`)
  })
}
