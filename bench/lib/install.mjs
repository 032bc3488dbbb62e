import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

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
 * Installs the packages of the peers that are not there, together; if that fails one by one, so
 * that one package costs the others nothing.
 *
 * @param {string} directory of the benchmark's package.json
 * @param {{ name: string, package: string | null, since?: number }[]} peers
 * @returns {{ peers: object[], versions: Record<string, string>, missing: object[] }} the peers
 *   that can be used, the versions of their packages, and what is missing and why
 */
export function install(directory, peers) {
  const packages = new Set(peers.map((peer) => peer.package).filter((name) => name !== null))
  const absent = [...packages].filter((name) => versionOf(directory, name) === undefined)
  if (absent.length > 0) {
    console.log(`installing ${absent.join(', ')}`)
    const manifest = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'))
    const quiet = ['--no-audit', '--no-fund', '--loglevel=error']
    if (!npm(directory, ['install', ...quiet])) {
      for (const name of absent) {
        const wanted = `${name}@${manifest.dependencies[name]}`
        npm(directory, ['install', '--no-save', ...quiet, wanted])
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
  const [major] = process.versions.node.split('.').map(Number)
  const usable = []
  const missing = []
  const versions = {}
  for (const peer of peers) {
    const reason =
      peer.since > major ? `needs Node.js ${peer.since} or newer` : failures.get(peer.package)
    if (reason !== undefined) {
      missing.push({ name: peer.name, reason })
      continue
    }
    usable.push(peer)
    if (peer.package !== null) versions[peer.name] = versionOf(directory, peer.package)
  }
  return { peers: usable, versions, missing }
}
