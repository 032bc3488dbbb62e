import assert from 'node:assert/strict'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { SUPPORTED_PLATFORMS, hostPlatform } from '../../lib/platform.js'

type CheckRelease = (folder: string, options?: { publish?: boolean; tag?: string }) => string[]

const root = join(__dirname, '..', '..')
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
let folder: string

async function check(options?: { publish?: boolean; tag?: string }): Promise<string[]> {
  const { checkRelease }: { checkRelease: CheckRelease } =
    await import('../../scripts/check-release.mjs')
  return checkRelease(folder, options)
}

function edit(path: string, change: (manifest: Record<string, unknown>) => void): void {
  const manifest = JSON.parse(readFileSync(join(folder, path), 'utf8'))
  change(manifest)
  writeFileSync(join(folder, path), JSON.stringify(manifest))
}

/** The smallest bytes that `identify` takes for a library of the platform. */
function fakeLibrary(name: string): Buffer {
  const library = Buffer.alloc(256)
  const isArm = name.includes('arm64')
  if (name.startsWith('linux')) {
    library.write('\x7fELF', 0, 'latin1')
    library.writeUInt16LE(isArm ? 0xb7 : 0x3e, 18)
    // One program header, the dynamic section, with the one entry that forbids unloading.
    library.writeBigUInt64LE(64n, 32)
    library.writeUInt16LE(56, 54)
    library.writeUInt16LE(1, 56)
    library.writeUInt32LE(2, 64)
    library.writeBigUInt64LE(128n, 72)
    library.writeBigUInt64LE(16n, 96)
    library.writeBigUInt64LE(0x6ffffffbn, 128)
    library.writeBigUInt64LE(8n, 136)
    if (name.endsWith('gnu')) library.write('GLIBC_2.17', 160, 'latin1')
  } else if (name.startsWith('darwin')) {
    library.writeUInt32LE(0xfeedfacf, 0)
    library.writeUInt32LE(isArm ? 0x0100000c : 0x01000007, 4)
  } else {
    library.write('MZ', 0, 'latin1')
    library.writeUInt32LE(64, 60)
    library.write('PE\0\0', 64, 'latin1')
    library.writeUInt16LE(isArm ? 0xaa64 : 0x8664, 68)
  }
  return library
}

const libraryPath = (name: string) => join(folder, 'npm', name, `lodestore.${name}.node`)

/** Puts into the folder what a release adds to the checkout. */
function makeWhole(): void {
  for (const name of SUPPORTED_PLATFORMS) {
    writeFileSync(libraryPath(name), fakeLibrary(name))
    writeFileSync(join(folder, 'npm', name, 'THIRD_PARTY_LICENSES'), 'text')
  }
  edit('package.json', (manifest) => {
    const names = SUPPORTED_PLATFORMS.map((name) => [`lodestore-${name}`, version])
    manifest.optionalDependencies = Object.fromEntries(names)
  })
  writeFileSync(join(folder, 'CHANGELOG.md'), `# Changelog\n\n## [${version}] - 2030-01-01\n`)
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lodestore-release-'))
  for (const name of ['package.json', 'Cargo.toml', 'CHANGELOG.md', 'npm']) {
    const isLibrary = (path: string) => path.endsWith('.node')
    cpSync(join(root, name), join(folder, name), {
      recursive: true,
      filter: (path) => !isLibrary(path) && !path.endsWith('THIRD_PARTY_LICENSES'),
    })
  }
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

test('the checkout states one version and one set of platforms', async () => {
  assert.deepEqual(await check({ tag: `v${version}` }), [])
})

test('the checkout alone is no release', async () => {
  const problems = await check({ publish: true })
  for (const name of SUPPORTED_PLATFORMS) {
    assert.ok(problems.includes(`npm/${name}: it has no library`), name)
    assert.ok(problems.includes(`npm/${name}: it has no THIRD_PARTY_LICENSES`), name)
  }
})

test('a whole release passes', async () => {
  makeWhole()
  assert.deepEqual(await check({ publish: true, tag: `v${version}` }), [])
})

test('the targets of the build are the platforms of the packages', () => {
  const { napi } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const nodeNames: Record<string, string> = {
    x86_64: 'x64',
    aarch64: 'arm64',
    apple: 'darwin',
    windows: 'win32',
  }
  const names = (napi.targets as string[]).map((triple) => {
    const [processor, vendor, system, abi] = triple.split('-')
    if (vendor === 'apple') return `darwin-${nodeNames[processor!]}`
    return `${nodeNames[system!] ?? system}-${nodeNames[processor!]}-${abi}`
  })
  assert.deepEqual(names.toSorted(), [...SUPPORTED_PLATFORMS].toSorted())
})

const OTHER = '0.0.99'
const breakages: [what: string, expected: RegExp, act: () => void][] = [
  [
    'a platform package is missing',
    /^npm\/darwin-arm64: it is missing$/,
    () => rmSync(join(folder, 'npm', 'darwin-arm64'), { recursive: true }),
  ],
  [
    'a platform package has another version',
    /^npm\/linux-x64-musl: its version is 0\.0\.99/,
    () => edit('npm/linux-x64-musl/package.json', (manifest) => (manifest.version = OTHER)),
  ],
  [
    'the crate has another version',
    /^Cargo\.toml: its version is 0\.0\.99/,
    () => writeFileSync(join(folder, 'Cargo.toml'), `[package]\nversion = "${OTHER}"\n`),
  ],
  [
    'an optional dependency is missing',
    /^package\.json: its optionalDependencies are not/,
    () => edit('package.json', (manifest) => delete manifest.optionalDependencies),
  ],
  [
    'a library is missing',
    /^npm\/win32-x64-msvc: it has no library$/,
    () => rmSync(libraryPath('win32-x64-msvc')),
  ],
  [
    'a library is of another platform',
    /^npm\/linux-arm64-gnu: its library is for linux-x64$/,
    () => writeFileSync(libraryPath('linux-arm64-gnu'), fakeLibrary('linux-x64-gnu')),
  ],
  [
    'a library is no library',
    /^npm\/win32-arm64-msvc: its library is for an unknown system$/,
    () => writeFileSync(libraryPath('win32-arm64-msvc'), 'Not Found'),
  ],
  [
    'a library needs a new glibc',
    /^npm\/linux-x64-gnu: its library needs glibc 2\.34, newer than 2\.28$/,
    () => {
      const library = fakeLibrary('linux-x64-gnu')
      library.write('GLIBC_2.34', 180, 'latin1')
      writeFileSync(libraryPath('linux-x64-gnu'), library)
    },
  ],
  [
    'a musl library needs glibc',
    /^npm\/linux-arm64-musl: its library needs glibc$/,
    () => {
      const library = fakeLibrary('linux-arm64-musl')
      library.write('GLIBC_2.17', 180, 'latin1')
      writeFileSync(libraryPath('linux-arm64-musl'), library)
    },
  ],
  [
    'a library may be unloaded',
    /^npm\/linux-x64-gnu: its library is not linked with -z nodelete$/,
    () => {
      const library = fakeLibrary('linux-x64-gnu')
      library.writeBigUInt64LE(0n, 136)
      writeFileSync(libraryPath('linux-x64-gnu'), library)
    },
  ],
  [
    'a library has fault points',
    /^npm\/darwin-arm64: its library has fault points/,
    () =>
      writeFileSync(
        libraryPath('darwin-arm64'),
        Buffer.concat([fakeLibrary('darwin-arm64'), Buffer.from('LODESTORE_FAULT')]),
      ),
  ],
  [
    'a platform package is for another processor',
    /^npm\/darwin-x64: its cpu is \["arm64"\]$/,
    () => edit('npm/darwin-x64/package.json', (manifest) => (manifest.cpu = ['arm64'])),
  ],
  [
    'the changelog has no section for it',
    /^CHANGELOG\.md: it has no section/,
    () => writeFileSync(join(folder, 'CHANGELOG.md'), '# Changelog\n\n## [Unreleased]\n'),
  ],
  [
    'there is a package of an unknown platform',
    /^npm\/aix-ppc64: it is not supported$/,
    () =>
      cpSync(join(folder, 'npm', 'darwin-x64'), join(folder, 'npm', 'aix-ppc64'), {
        recursive: true,
      }),
  ],
]

for (const [what, expected, act] of breakages) {
  test(`a release is refused when ${what}`, async () => {
    makeWhole()
    act()
    const problems = await check({ publish: true })
    assert.equal(problems.length, 1, problems.join('\n'))
    assert.match(problems[0]!, expected)
  })
}

test('a release is refused when its tag names another version', async () => {
  makeWhole()
  assert.deepEqual(await check({ publish: true, tag: `v${OTHER}` }), [
    `the tag v${OTHER} is not v${version}`,
  ])
})

test('fault points are in the library of the crash test, and in no other', async () => {
  const { hasFaultPoints } = await import('../../scripts/lib/binary.mjs')
  const { faultLibraryPath } = await import('../../scripts/lib/fault-library.mjs')
  const manifest = readFileSync(join(root, 'Cargo.toml'), 'utf8')
  assert.match(manifest, /^fault-points = \[\]$/m)
  assert.doesNotMatch(/^default = (.*)$/m.exec(manifest)![1]!, /fault/)
  const library = readFileSync(join(root, `lodestore.${hostPlatform().name}.node`))
  assert.equal(hasFaultPoints(library), false)
  // So the search finds what it looks for.
  if (existsSync(faultLibraryPath)) {
    assert.equal(hasFaultPoints(readFileSync(faultLibraryPath)), true)
  }
})

test('the library built here is for this system and is never unloaded', async () => {
  const { identify, isNeverUnloaded } = await import('../../scripts/lib/binary.mjs')
  const { name } = hostPlatform()
  const library = readFileSync(join(root, `lodestore.${name}.node`))
  assert.equal(identify(library), `${process.platform}-${process.arch}`)
  if (name.endsWith('-gnu')) assert.equal(isNeverUnloaded(library), true)
})
