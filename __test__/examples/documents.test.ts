import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { programsOf } from './documents'
import { makeDirectory, root, runProgram } from './run'
import { OWN_KEYS, unlessSealed } from '../support/sealed'

/** The documents with programs, what each chapter of theirs assumes, and how many there are. */
const DOCUMENTS = [
  { file: 'README.md', prelude: undefined, least: 1 },
  { file: 'docs/guide.md', prelude: 'Set-up', least: 10 },
  { file: 'docs/vectors.md', prelude: 'Set-up', least: 7 },
  { file: 'docs/indexeddb.md', prelude: undefined, least: 1 },
  { file: 'docs/exchange.md', prelude: undefined, least: 2 },
]

for (const { file, prelude, least } of DOCUMENTS) {
  const programs = programsOf(file, prelude)

  test(`${file} has programs`, () => {
    assert.ok(programs.length >= least, `only ${programs.length}`)
    assert.ok(programs.some(({ checks }) => checks > 0))
  })

  for (const { title, source } of programs) {
    const options = title === 'Encryption' ? unlessSealed(OWN_KEYS) : {}
    test(`${file}: ${title}`, options, async (t) => {
      const { directory, remove } = makeDirectory()
      t.after(remove)
      const program = join(directory, 'program.mjs')
      writeFileSync(program, source)
      await runProgram(program, directory)
    })
  }
}

test('what the guide has for methods of MongoDB is run', () => {
  const title = 'Coming from MongoDB, Mongoose or NeDB'
  const guide = readFileSync(join(root, 'docs/guide.md'), 'utf8')
  const [, chapter = ''] = guide.split(`## ${title}\n`)
  const program = programsOf('docs/guide.md', 'Set-up').find((one) => one.title === title)
  assert.ok(program !== undefined)
  const rows = chapter.split('\n## ')[0]!.matchAll(/^\|[^|]+\|(.+)\|$/gm)
  const codes = Array.from(rows, ([, ours = '']) =>
    Array.from(ours.matchAll(/`([^`]+\))`/g), ([, code]) => code!),
  ).flat()
  assert.ok(codes.length > 20, `only ${codes.length}`)
  // Comments are what the programs check, so the code itself is looked for.
  for (const code of codes.filter((each) => !/\bfn\)$/.test(each))) {
    assert.ok(program.source.includes(code), code)
  }
})
