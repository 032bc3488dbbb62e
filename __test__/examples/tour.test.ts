import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import bcd from '@mdn/browser-compat-data'
import { makeDirectory, root, runProgram } from './run'

const TOUR = join(root, 'examples', 'main.mjs')

type Node = Record<string, unknown>

/** All `__compat` nodes, found another way than the tour finds them. */
function compatNodes(): Node[] {
  const nodes: Node[] = []
  JSON.parse(JSON.stringify(bcd), (name, value) => {
    if (name === '__compat') nodes.push(value)
    return value
  })
  return nodes
}

const grouped = (number: number) => new Intl.NumberFormat('en-US').format(number)

/** The cells of the row that begins with `first`. */
function row(output: string, first: string): string[] {
  const found = output.split('\n').find((line) => line.trimStart().startsWith(`${first}  `))
  assert.ok(found !== undefined, `no row ${first} in:\n${output}`)
  return found.trim().split(/ {2,}/)
}

test('the tour loads everything once, answers, and finds it again', async (t) => {
  const { directory, remove } = makeDirectory()
  t.after(remove)
  const nodes = compatNodes()
  assert.ok(nodes.length > 10_000)
  const total = grouped(nodes.length)

  const first = (await runProgram(TOUR, directory, ['tour'])).stdout
  assert.match(first, new RegExp(`found ${total} features`))
  assert.match(first, new RegExp(`stored ${total} of ${total}`))
  assert.match(first, new RegExp(`indexed tags of ${total} of ${total}`))
  assert.match(first, new RegExp(`^${total} documents, `, 'm'))
  assert.doesNotMatch(first, /nothing to load/)
  assert.doesNotMatch(first, /[\r█]/, 'a bar is for terminals only')

  const css = nodes.filter((node) => String(node.source_file).startsWith('css/')).length
  assert.equal(row(first, 'css')[1], grouped(css))
  const inFirefox = nodes.filter((node) => {
    const [newest] = [(node.support as Record<string, Node>).firefox ?? []].flat() as Node[]
    const version = newest?.version_added
    const works = typeof version === 'string' && version !== 'preview'
    return works && newest?.version_removed === undefined && newest?.flags === undefined
  }).length
  assert.equal(row(first, 'firefox')[1], grouped(inFirefox))
  assert.equal(row(first, 'features before')[1], total)
  assert.equal(row(first, 'features after it was rolled back')[1], total)
  assert.notEqual(row(first, 'features inside the savepoint')[1], total)
  assert.match(first, /Web\/API\/AbortController/)
  assert.deepEqual(row(first, 'no.such.feature'), ['no.such.feature', '–', 'not there'])

  const second = (await runProgram(TOUR, directory, ['tour'])).stdout
  assert.match(second, new RegExp(`Found ${total} features of .*: nothing to load\\.`))
  assert.doesNotMatch(second, /stored|indexed tags/)
  assert.equal(row(second, 'features after it was rolled back')[1], total)
  assert.equal(row(second, 'visits of this tour, committed')[1], '2')
})

test('the tour says in one sentence what is wrong', async (t) => {
  const { directory, remove } = makeDirectory()
  t.after(remove)
  writeFileSync(join(directory, 'file'), 'not a database')
  const failure = await runProgram(TOUR, directory, ['file']).then(
    () => assert.fail('it ran'),
    (error: { stdout: string; stderr: string; code: number }) => error,
  )
  assert.equal(failure.code, 1)
  assert.match(failure.stderr, /^The tour ended early: .*\(NOT_A_DATABASE\)\n$/)
})
