/**
 * Checks the licences of everything that is compiled in or installed, and collects their texts.
 *
 *     node scripts/licenses.mjs                     checks, and prints the list
 *     node scripts/licenses.mjs --notices <folder>  writes <folder>/THIRD_PARTY_LICENSES
 */

import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Failure, isMain, main, readJson, run } from './lib/common.mjs'

/** Licences that a permissively licensed product may contain, by SPDX identifier. */
const ALLOWED = new Set([
  '0BSD',
  'Apache-2.0',
  'Apache-2.0 WITH LLVM-exception',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BSL-1.0',
  'CC0-1.0',
  'ISC',
  'MIT',
  'MIT-0',
  'OLDAP-2.8',
  'OpenSSL',
  'Unicode-3.0',
  'Unicode-DFS-2016',
  'Unlicense',
  'Zlib',
])

/** C code inside crates, under licences of its own. */
const VENDORED = new Map([
  ['lmdb-master-sys', { name: 'LMDB', license: 'OLDAP-2.8' }],
  ['zstd-sys', { name: 'Zstandard', license: 'BSD-3-Clause' }],
])

/**
 * Whether an SPDX expression leaves a choice that is allowed. The old `MIT/Apache-2.0` form counts
 * as OR. SPDX: AND binds closer than OR.
 */
export function isAllowed(expression, allowed = ALLOWED) {
  const tokens = expression.replaceAll('/', ' OR ').match(/[()]|[^\s()]+/g) ?? []
  let at = 0
  const operand = () => {
    if (tokens[at] === '(') {
      at += 1
      const inner = alternatives()
      if (tokens[at] !== ')') throw new Failure(`unbalanced licence expression: ${expression}`)
      at += 1
      return inner
    }
    let license = tokens[at]
    at += 1
    if (tokens[at] === 'WITH') {
      license = `${license} WITH ${tokens[at + 1]}`
      at += 2
    }
    return allowed.has(license)
  }
  const conjunction = () => {
    let result = operand()
    while (tokens[at] === 'AND') {
      at += 1
      result = operand() && result
    }
    return result
  }
  const alternatives = () => {
    let result = conjunction()
    while (tokens[at] === 'OR') {
      at += 1
      result = conjunction() || result
    }
    return result
  }
  const result = alternatives()
  if (at !== tokens.length) throw new Failure(`licence expression not understood: ${expression}`)
  return result
}

/**
 * The crates that a release contains, for any platform: what is reached from the root over normal
 * dependencies. Build and development dependencies leave no code in it.
 */
function shippedCrates() {
  const args = ['metadata', '--locked', '--format-version', '1']
  const metadata = JSON.parse(run('cargo', args, { stdio: ['ignore', 'pipe', 'inherit'] }).stdout)
  const nodes = new Map(metadata.resolve.nodes.map((node) => [node.id, node]))
  const reached = new Set([metadata.resolve.root])
  for (const id of reached) {
    for (const { pkg, dep_kinds: kinds } of nodes.get(id).deps) {
      if (kinds.some(({ kind }) => kind === null)) reached.add(pkg)
    }
  }
  reached.delete(metadata.resolve.root)
  const crates = metadata.packages.filter(({ id }) => reached.has(id))
  return crates.toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

function problemsOfNpm() {
  const { dependencies = {}, optionalDependencies = {} } = readJson('package.json')
  const foreign = Object.keys(optionalDependencies).filter((name) => !name.startsWith('lodestore-'))
  return [...Object.keys(dependencies), ...foreign].map(
    (name) => `package.json: ${name} is a runtime dependency, the package has none`,
  )
}

/** @throws {Failure} when a licence is not allowed, or the package has dependencies on npm */
export function checkLicenses() {
  const problems = problemsOfNpm()
  for (const { name, version, license } of shippedCrates()) {
    const vendored = VENDORED.get(name)
    const licenses = [license ?? 'none stated', ...(vendored ? [vendored.license] : [])]
    const note = vendored ? ` (${vendored.name}: ${vendored.license})` : ''
    console.log(`${`${name} ${version}`.padEnd(32)} ${licenses[0]}${note}`)
    for (const one of licenses) {
      if (!isAllowed(one)) problems.push(`${name} ${version}: the licence ${one} is not allowed`)
    }
  }
  if (problems.length > 0) throw new Failure(problems.join('\n'))
}

/** Every licence text in a crate's source, the C code it contains included. */
function licenseTexts(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /^(licen[cs]e|copying|copyright|notice)/i.test(entry.name))
    .map((entry) => readFileSync(join(entry.parentPath ?? entry.path, entry.name), 'utf8').trim())
}

/** The notices that a binary distribution owes, as one text; equal texts appear once. */
export function notices() {
  const cratesOfText = new Map()
  const lines = []
  for (const { name, version, license, manifest_path: manifest } of shippedCrates()) {
    lines.push(`${name} ${version}: ${license}`)
    for (const text of licenseTexts(dirname(manifest))) {
      cratesOfText.set(text, [...(cratesOfText.get(text) ?? []), name])
    }
  }
  const texts = [...cratesOfText].map(([text, names]) => {
    const rule = '-'.repeat(80)
    return `${rule}\n${[...new Set(names)].join(', ')}\n${rule}\n\n${text}\n`
  })
  return `The native library of lodestore contains:\n\n${lines.join('\n')}\n\n${texts.join('\n')}`
}

if (isMain(import.meta.url)) {
  const [flag, ...folders] = process.argv.slice(2)
  await main(() => {
    if (flag === undefined) {
      checkLicenses()
      return
    }
    if (flag !== '--notices' || folders.length === 0) {
      throw new Failure('usage: node scripts/licenses.mjs [--notices <folder> …]')
    }
    const text = notices()
    for (const folder of folders) writeFileSync(join(folder, 'THIRD_PARTY_LICENSES'), text)
  })
}
