import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { hostPlatform } from '../../lib/platform.js'
import { OUTPUT } from '../examples/output'

const root = join(__dirname, '..', '..')
const { name: platform } = hostPlatform()

/** npm and the TypeScript compiler are programs of Node.js, whichever runtime runs the tests. */
const NODE = process.env.npm_node_execpath ?? process.execPath

/** A writer in CommonJS: opens a new database, stores two documents, closes it. */
const WRITER = `
'use strict'
const { open } = require('lodestore')
async function main() {
  const db = await open('data', { stores: { users: { keyPath: 'id' } } })
  await db.store('users').put({ id: 1, name: 'Ada' })
  await db.store('users').put({ id: 2, name: 'Grace', born: new Date(0) })
  console.log(JSON.stringify(await db.store('users').get(1)))
  await db.close()
}
main()
`

/** A reader as an ES module, by named imports. */
const READER = `
import { LodestoreError, open } from 'lodestore'
const db = await open('data', { mode: 'open', stores: { users: { keyPath: 'id' } } })
const users = db.store('users')
const grace = await users.get(2)
let code
try {
  await users.add({ id: 1 })
} catch (error) {
  if (error instanceof LodestoreError) code = error.code
}
console.log(JSON.stringify([await users.get(1), grace.born.getTime(), await users.count(), code]))
await db.close()
`

/** A program whose types must check, and whose misuse must not. */
const TYPED = `
import { LodestoreError, open } from 'lodestore'
interface User { id: number; name: string }
export async function nameOf(id: number): Promise<string | undefined> {
  const db = await open('data', { stores: { users: { keyPath: 'id' } } })
  try {
    const users = db.store<User>('users')
    await users.put({ id, name: 'Ada' })
    const user = await users.get(id)
    // @ts-expect-error: a user may be missing
    user.name
    // @ts-expect-error: a user has a name
    await users.put({ id })
    return user?.name
  } catch (error) {
    if (error instanceof LodestoreError && error.code === 'IO') return undefined
    throw error
  } finally {
    await db.close()
  }
}
`

describe('the packed tarballs, installed where there is no compiler', () => {
  let folder: string
  let project: string
  let env: NodeJS.ProcessEnv

  function run(program: string, ...args: string[]): string {
    const { status, stdout, stderr } = spawnSync(program, args, {
      cwd: project,
      env,
      encoding: 'utf8',
      timeout: 120_000,
    })
    assert.equal(status, 0, `${args.join(' ')}:\n${stdout}\n${stderr}`)
    return stdout
  }

  const runHere = (file: string) => run(process.execPath, file)

  before(async () => {
    const { pack } = await import('../../scripts/lib/package.mjs')
    folder = mkdtempSync(join(tmpdir(), 'lodestore-tarball-'))
    project = join(folder, 'project')
    const staged = join(folder, platform)
    const bin = join(folder, 'bin')
    mkdirSync(project)
    mkdirSync(bin)
    cpSync(join(root, 'npm', platform), staged, { recursive: true })
    const library = `lodestore.${platform}.node`
    cpSync(join(root, library), join(staged, library))
    const tarballs = [pack(root, folder).tarball, pack(staged, folder).tarball]

    // Nothing but Node.js is on this PATH: no cargo, no compiler, no shell tools.
    if (process.platform !== 'win32') symlinkSync(NODE, join(bin, 'node'))
    const home = { HOME: folder, USERPROFILE: folder, npm_config_cache: join(folder, 'cache') }
    const systemRoot = process.env.SystemRoot && { SystemRoot: process.env.SystemRoot }
    env = { ...home, ...systemRoot, TMPDIR: folder, TEMP: folder, PATH: bin }
    writeFileSync(join(project, 'package.json'), '{ "private": true }')
    run(NODE, npmCli(), 'install', '--offline', '--no-audit', '--no-fund', ...tarballs)
  })

  after(() => rmSync(folder, { recursive: true, force: true }))

  test('one process writes by require, another reads by import', () => {
    writeFileSync(join(project, 'writer.cjs'), WRITER)
    writeFileSync(join(project, 'reader.mjs'), READER)
    assert.deepEqual(JSON.parse(runHere('writer.cjs')), { id: 1, name: 'Ada' })
    assert.deepEqual(JSON.parse(runHere('reader.mjs')), [
      { id: 1, name: 'Ada' },
      0,
      2,
      'KEY_EXISTS',
    ])
  })

  test('import sees by name whatever require sees', () => {
    const script = `
      import * as module from 'lodestore'
      import { createRequire } from 'node:module'
      const names = Object.keys(createRequire(import.meta.url)('lodestore'))
      const hidden = names.filter((name) => !(name in module))
      console.log(JSON.stringify({ count: names.length, hidden }))`
    writeFileSync(join(project, 'names.mjs'), script)
    const { count, hidden } = JSON.parse(runHere('names.mjs'))
    assert.deepEqual(hidden, [])
    assert.ok(count > 1)
  })

  // What they print is tested in `../examples`, and here that it is the same.
  for (const example of ['queries.mjs', 'updates.mjs', 'paging.mjs', 'aggregation.mjs']) {
    test(`examples/${example} runs`, () => {
      cpSync(join(root, 'examples'), join(project, 'examples'), { recursive: true })
      const dataSet = join('node_modules', '@mdn', 'browser-compat-data')
      if (!existsSync(join(project, dataSet))) {
        mkdirSync(join(project, dataSet, '..'), { recursive: true })
        symlinkSync(join(root, dataSet), join(project, dataSet), 'junction')
      }
      const printed = runHere(join('examples', example))
      assert.deepEqual(printed.trimEnd().split('\n'), OUTPUT[example])
    })
  }

  for (const extension of ['mts', 'cts']) {
    test(`types check in a .${extension} file`, () => {
      writeFileSync(join(project, `typed.${extension}`), TYPED)
      const compilerOptions = {
        module: 'nodenext',
        target: 'es2022',
        lib: ['es2023', 'esnext.disposable'],
        strict: true,
        noEmit: true,
        typeRoots: [join(root, 'node_modules', '@types')],
        types: ['node'],
      }
      const config = { compilerOptions, files: [`typed.${extension}`] }
      writeFileSync(join(project, 'tsconfig.json'), JSON.stringify(config))
      run(
        NODE,
        join(root, 'node_modules', 'typescript', 'bin', 'tsc'),
        '--project',
        'tsconfig.json',
      )
    })
  }
})

/** The program file of npm: the npm that runs this test, else the one installed beside Node.js. */
function npmCli(): string {
  const beside = dirname(NODE)
  const cli = join('node_modules', 'npm', 'bin', 'npm-cli.js')
  const places = [process.env.npm_execpath, join(beside, '..', 'lib', cli), join(beside, cli)]
  const found = places.find((place) => place?.endsWith('npm-cli.js') && existsSync(place))
  assert.ok(found, `there is no npm beside ${NODE}`)
  return found
}
