import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { LodestoreError, open } from '../../index.js'
import type { Database, ErrorCode, OpenOptions } from '../../index.js'

/** A directory that is removed when the test has ended. */
export async function temporaryDirectory(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'lodestore-test-'))
  t.after(() => rm(path, { recursive: true, force: true, maxRetries: 3 }))
  return path
}

/** A database in a directory of its own, closed when the test has ended. */
export async function temporaryDatabase(
  t: TestContext,
  options: OpenOptions = {},
): Promise<Database> {
  const path = await mkdtemp(join(tmpdir(), 'lodestore-test-'))
  const db: Database = await open(path, { durability: 'relaxed', ...options } as object)
  t.after(async () => {
    await db.close()
    await rm(path, { recursive: true, force: true, maxRetries: 3 })
  })
  return db
}

/** Checks that a promise rejects with a LodestoreError of a code, and returns the error. */
export async function rejects(
  promise: Promise<unknown>,
  code: ErrorCode,
  properties: Partial<LodestoreError> = {},
): Promise<LodestoreError> {
  const error = await promise.then(
    () => assert.fail(`resolved, but should have failed with ${code}`),
    (reason: unknown) => reason,
  )
  return checkError(error, code, properties)
}

/** Checks that a function throws a LodestoreError of a code, and returns the error. */
export function throws(
  fn: () => unknown,
  code: ErrorCode,
  properties: Partial<LodestoreError> = {},
): LodestoreError {
  let error: unknown
  try {
    fn()
  } catch (thrown) {
    error = thrown
  }
  assert.ok(error !== undefined, `returned, but should have thrown ${code}`)
  return checkError(error, code, properties)
}

function checkError(error: unknown, code: ErrorCode, properties: object): LodestoreError {
  if (!(error instanceof LodestoreError)) throw error
  assert.equal(error.code, code, error.message)
  for (const [name, value] of Object.entries(properties)) {
    assert.deepEqual((error as unknown as Record<string, unknown>)[name], value, name)
  }
  return error
}

/** Documents `{ id, name, group }` with ids from 0. */
export function documents(count: number): { id: number; name: string; group: number }[] {
  return Array.from({ length: count }, (_, id) => ({ id, name: `name ${id}`, group: id % 10 }))
}

/** All that an iterable yields. */
export async function collect<T>(iterable: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = []
  for await (const item of iterable) items.push(item)
  return items
}
