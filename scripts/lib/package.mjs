/** Checks of what `npm pack` makes: its contents, and how it resolves and types for its users. */

import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Failure, root, runBin, runNpm } from './common.mjs'

/** The files of the package, apart from `lib/`. */
const TOP_LEVEL = [
  'CHANGELOG.md',
  'LICENSE',
  'README.md',
  'binding.js',
  'index.d.ts',
  'index.js',
  'package.json',
]

/** A package larger than this, unpacked, contains what it should not. */
const MAX_UNPACKED_BYTES = 2_000_000

/** The paths that the package must contain, no more and no fewer. */
export function expectedFiles() {
  const library = readdirSync(join(root, 'lib'), { recursive: true })
    .map((name) => `lib/${name.replaceAll('\\', '/')}`)
    .filter((name) => /\.(js|d\.ts)$/.test(name))
  return [...TOP_LEVEL, ...library].toSorted()
}

/** Packs a package folder into `destination`, without running its scripts. */
export function pack(folder, destination) {
  const args = ['pack', folder, '--json', '--ignore-scripts', '--pack-destination', destination]
  const { stdout } = runNpm(args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const [packed] = Object.values(JSON.parse(stdout))
  return {
    tarball: join(destination, packed.filename),
    files: packed.files.map(({ path }) => path).toSorted(),
    unpackedSize: packed.unpackedSize,
  }
}

function checkContents({ files, unpackedSize }) {
  const expected = expectedFiles()
  const missing = expected.filter((path) => !files.includes(path))
  const surplus = files.filter((path) => !expected.includes(path))
  if (missing.length > 0) throw new Failure(`the package lacks ${missing.join(', ')}`)
  if (surplus.length > 0) throw new Failure(`the package should not have ${surplus.join(', ')}`)
  if (unpackedSize > MAX_UNPACKED_BYTES) {
    throw new Failure(`the package unpacks to ${unpackedSize} bytes, at most ${MAX_UNPACKED_BYTES}`)
  }
}

/** @throws {Failure} when the package is not as it should be */
export function checkPackage() {
  const folder = mkdtempSync(join(tmpdir(), 'lodestore-pack-'))
  try {
    const packed = pack(root, folder)
    checkContents(packed)
    runBin('publint', ['run', packed.tarball, '--strict'])
    // `node16` is every Node.js that the package supports; older resolution knows no `exports`.
    runBin('@arethetypeswrong/cli', [packed.tarball, '--profile', 'node16', '--no-color'])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
