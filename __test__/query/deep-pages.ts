/** What pages cost, near the beginning and far from it. */

import assert from 'node:assert/strict'

/** A query to be paged through. */
export interface Paging {
  name: string
  query(store: any): any
}

export const STORES = {
  posts: {
    keyPath: 'id',
    indexes: { byScore: { on: 'score' }, byAuthor: { on: ['author', 'score'] } },
  },
} as const

/** Post i of some; a third of them are Ada's. */
export function postAt(i: number): object {
  return {
    id: i,
    author: ['ada', 'grace', 'alan'][i % 3],
    score: Math.imul(i, 0x9e3779b1) >>> 0,
    text: `post ${i}`,
  }
}

export const PAGINGS: readonly Paging[] = [
  { name: 'by key', query: (store) => store.find().sort('id') },
  { name: 'by key, backwards', query: (store) => store.find().sort('-id') },
  { name: 'by an index', query: (store) => store.find().sort('score') },
  { name: 'by an index, backwards', query: (store) => store.find().sort('-score') },
  {
    name: 'by the second part of an index',
    query: (store) => store.find({ author: 'ada' }).sort('-score'),
  },
]

/** A page: its number, from 1 on, how many documents it has, and what was looked at for it. */
export interface Cost {
  page: number
  items: number
  keys: number
  docs: number
}

/**
 * Reads pages one after another, and tells what each costs.
 *
 * @param pages how many at most
 * @param visit is given each page's cost, and the token that leads to it
 * @returns how many documents the pages have
 */
export async function walkPages(
  query: any,
  size: number,
  pages: number,
  visit: (cost: Cost, token: string | null) => void,
): Promise<number> {
  let after: string | null = null
  let last: any = null
  let items = 0
  for (let page = 1; page <= pages; page++) {
    const found = await query.page({ size, after, explain: true })
    const { length } = found.items
    items += length
    visit({ page, items: length, keys: found.examinedKeys, docs: found.examinedDocs }, after)
    // Each page goes on behind the one before it.
    const [first] = found.items
    assert.notEqual(first?.id, last?.id)
    last = found.items.at(-1)
    after = found.next
    if (after === null) break
  }
  return items
}
