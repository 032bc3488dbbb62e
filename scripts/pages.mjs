// Pages through many documents, and shows what the first and the last full page of each way cost:
// what is looked at, and how long it takes. Fails if the last one costs more.
//
//   node --import tsx scripts/pages.mjs [--docs 1000000] [--size 50]

import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

const require = createRequire(import.meta.url)
const { open } = require('../index.js')
const { PAGINGS, STORES, postAt, walkPages } = require('../__test__/query/deep-pages.ts')

const options = {
  docs: { type: 'string', default: '1000000' },
  size: { type: 'string', default: '50' },
}
const { values } = parseArgs({ options })
const [count, size] = [Number(values.docs), Number(values.size)]

/** How often a page is read to find out how long that takes: the median of so many. */
const TIMES = 501
/** As many times longer may the last page take than the first: caches and other programs. */
const MOST_RATIO = 2

function* posts() {
  for (let i = 0; i < count; i++) yield postAt(i)
}

/** Milliseconds that a page takes, by turns with another one. */
async function timesOf(query, tokens) {
  const times = tokens.map(() => [])
  for (let round = 0; round < TIMES; round++) {
    for (const [i, after] of tokens.entries()) {
      const begun = performance.now()
      await query.page({ size, after })
      times[i].push(performance.now() - begun)
    }
  }
  return times.map((each) => each.toSorted((a, b) => a - b)[TIMES >> 1])
}

async function compare({ name, query }, store) {
  const asked = query(store)
  let first
  let last
  const begun = performance.now()
  const items = await walkPages(asked, size, Infinity, (cost, token) => {
    first ??= { cost, token }
    if (cost.items === size) last = { cost, token }
  })
  const seconds = (performance.now() - begun) / 1000
  const [early, late] = await timesOf(asked, [first.token, last.token])
  const ratio = late / early
  const show = ({ cost }, time) =>
    `page ${cost.page}: ${cost.keys} entries, ${cost.docs} documents, ${time.toFixed(3)} ms`
  console.log(`${name}: ${items} documents in ${seconds.toFixed(1)} s`)
  console.log(`  ${show(first, early)}`)
  console.log(`  ${show(last, late)} (${ratio.toFixed(2)} times as long)`)
  // The first one looks a document further, behind it.
  const same = last.cost.keys <= first.cost.keys && last.cost.docs <= first.cost.docs
  return same && ratio <= MOST_RATIO
}

const directory = await mkdtemp(join(tmpdir(), 'lodestore-pages-'))
try {
  const db = await open(join(directory, 'database'), { durability: 'relaxed', stores: STORES })
  await db.store('posts').putMany(posts(), { atomic: false })
  console.log(`${count} documents, pages of ${size}`)
  const failed = []
  for (const paging of PAGINGS) {
    if (!(await compare(paging, db.store('posts')))) failed.push(paging.name)
  }
  await db.close()
  if (failed.length > 0) {
    console.error(`lodestore: late pages cost more than early ones: ${failed.join('; ')}`)
    process.exitCode = 1
  }
} finally {
  await rm(directory, { recursive: true, force: true, maxRetries: 3 })
}
