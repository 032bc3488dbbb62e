/** What is written, and whether what is there is all of it. */

import assert from 'node:assert/strict'

/** How many documents are in the fixtures. */
export const FIXTURE_COUNT = 12

export const MARKER = 'a secret of somebody'

export const STORES = {
  s: { keyPath: 'id', indexes: { byGroup: { on: 'group' } } },
} as const

/** The n-th document that is written: most are new, some take the place of earlier ones. */
export function documentOf(n: number): { id: number; n: number; group: number; text: string } {
  const id = n % 5 === 4 ? n - 3 : n
  return { id, n, group: n % 7, text: MARKER.repeat(1 + (n % 4)) }
}

/** Checks that the first `count` documents are there, and no more than `most`. */
export async function check(db: any, count: number, most = count): Promise<void> {
  const documents: { id: number; n: number }[] = await db.store('s').getAll()
  const newest = documents.reduce((last, { n }) => Math.max(last, n), -1)
  assert.ok(newest >= count - 1 && newest < most, `${newest} of ${count} to ${most}`)
  const expected = new Map<number, unknown>()
  for (let n = 0; n <= newest; n++) expected.set(documentOf(n).id, documentOf(n))
  assert.deepEqual(
    documents,
    [...expected.values()].sort((a: any, b: any) => a.id - b.id),
  )
  assert.equal(await db.store('s').count(), expected.size)
  assert.equal(await db.store('s').index('byGroup').count(), expected.size)
}
