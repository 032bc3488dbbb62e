import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { programsOf } from './documents'
import { makeDirectory, runProgram } from './run'

/** The documents with programs, what each chapter of theirs assumes, and how many there are. */
const DOCUMENTS = [
  { file: 'README.md', prelude: undefined, least: 1 },
  { file: 'docs/guide.md', prelude: 'Set-up', least: 10 },
]

for (const { file, prelude, least } of DOCUMENTS) {
  const programs = programsOf(file, prelude)

  test(`${file} has programs`, () => {
    assert.ok(programs.length >= least, `only ${programs.length}`)
    assert.ok(programs.some(({ checks }) => checks > 0))
  })

  for (const { title, source } of programs) {
    test(`${file}: ${title}`, async (t) => {
      const { directory, remove } = makeDirectory()
      t.after(remove)
      const program = join(directory, 'program.mjs')
      writeFileSync(program, source)
      await runProgram(program, directory)
    })
  }
}
