import assert from 'node:assert/strict'
import { test } from 'node:test'

type Row = { median: number; figures: number[] }
type Summary = { name: string; rows: Record<string, Row>; best?: string; ratio?: number }
type Judged = { name: string; reached: string; isMet?: boolean }
type Growth = { name: string; costs: number[]; growth: Record<string, number>; isMet?: boolean }

const PEERS = [
  { name: 'lodestore' },
  { name: 'lmdb' },
  { name: 'lokijs', isForScale: true },
  { name: 'heed', isReference: true },
]
const ABOUT = Object.fromEntries(PEERS.map(({ name }) => [name, { title: name }]))

/** What `summariseAll` makes of figures by workload and peer, one for each pass. */
async function summarise(
  workloads: { name: string; unit: string }[],
  figures: Record<string, Record<string, number[]>>,
): Promise<Summary[]> {
  const { summariseAll } = await import('../../bench/lib/summary.mjs')
  const outcomes: Record<string, Record<string, object[]>> = {}
  for (const [workload, byPeer] of Object.entries(figures)) {
    const lists = Object.entries(byPeer).map(([peer, list]) => {
      return [peer, list.map((figure) => ({ figure, delay: 0 }))]
    })
    outcomes[workload] = Object.fromEntries(lists)
  }
  return summariseAll(workloads, outcomes, PEERS)
}

async function judge(summary: Summary[]): Promise<Map<string, Judged>> {
  const goals = await import('../../bench/lib/goals.mjs')
  const judged: Judged[] = goals.judge(summary, ABOUT)
  return new Map(judged.map((one) => [one.name, one]))
}

test('the best peer is none that is shown for scale; ratios are those of the passes', async () => {
  const figures = { lodestore: [10, 40, 30], lmdb: [10, 20, 10], lokijs: [99, 99, 99], heed: [99] }
  const [row] = await summarise([{ name: 'getSync', unit: 'ops/s' }], { getSync: figures })
  assert.equal(row!.best, 'lmdb')
  assert.equal(row!.rows.lodestore!.median, 30)
  assert.equal(row!.ratio, 2)
})

test('less is better of times and sizes', async () => {
  const figures = { lodestore: [2], lmdb: [6] }
  const [row] = await summarise([{ name: 'open', unit: 'ms' }], { open: figures })
  assert.equal(row!.ratio, 3)
  assert.equal((await judge([row!])).get('open')!.isMet, true)
})

test('a goal is compared with the peer, the reference or the row that it names', async () => {
  const workloads = ['put', 'update', 'getSync', 'get'].map((name) => ({ name, unit: 'ops/s' }))
  const summary = await summarise(workloads, {
    put: { lodestore: [89], heed: [100], lmdb: [10] },
    update: { lodestore: [89], lmdb: [500] },
    getSync: { lodestore: [140], lmdb: [100] },
    get: { lodestore: [400_000] },
  })
  const judged = await judge(summary)
  assert.equal(judged.get('put')!.isMet, false)
  assert.equal(judged.get('update')!.isMet, true)
  assert.equal(judged.get('getSync')!.isMet, false)
  assert.equal(judged.get('get')!.isMet, true)
})

test('what an operation may take longer than in another row', async () => {
  for (const [encrypted, isMet] of [
    [300_000, true],
    [200_000, false],
  ] as const) {
    const summary = await summarise(
      ['getSync', 'sealedGetSync'].map((name) => ({ name, unit: 'ops/s' })),
      {
        getSync: { lodestore: [500_000] },
        sealedGetSync: { lodestore: [encrypted], lmdb: [100_000] },
      },
    )
    const judged = (await judge(summary)).get('sealedGetSync')!
    assert.equal(judged.isMet, isMet, judged.reached)
  }
})

test('what was not measured is neither met nor missed', async () => {
  const summary = await summarise([{ name: 'put', unit: 'ops/s' }], { put: { lodestore: [89] } })
  const put = (await judge(summary)).get('put')!
  assert.equal(put.isMet, undefined)
  assert.equal(put.reached, 'not measured')
})

test('costs must grow no faster than the logarithm, and memory not at all', async () => {
  const { growthOf } = await import('../../bench/lib/growth.mjs')
  const workloads = [
    { name: 'getSync', unit: 'ops/s' },
    { name: 'page', unit: 'queries/s' },
    { name: 'memory', unit: 'MB' },
  ]
  const scale = async (docs: number, getSync: number, page: number, memory: number) => ({
    docs,
    summary: await summarise(workloads, {
      getSync: { lodestore: [getSync], lmdb: [getSync / 2] },
      page: { lodestore: [page] },
      memory: { lodestore: [memory] },
    }),
  })
  const scales = [await scale(10_000, 1e6, 1e5, 10), await scale(1_000_000, 7e5, 5e4, 90)]
  const grown: Growth[] = growthOf(scales, ['lodestore', 'lmdb'])
  const byName = new Map(grown.map((one) => [one.name, one]))
  assert.deepEqual(byName.get('getSync')!.costs.map(Math.round), [1, 1])
  assert.ok(Math.abs(byName.get('getSync')!.growth.lodestore! - 10 / 7) < 1e-9)
  assert.equal(byName.get('getSync')!.isMet, true)
  assert.equal(byName.get('page')!.isMet, false)
  assert.equal(byName.get('memory')!.isMet, false)
})

test('a row may have goals against several peers, and all of them must be met', async () => {
  const workloads = [{ name: 'idbGet', unit: 'ops/s' }]
  const judgeGets = async (shim: number, fake: number) => {
    const figures = { lodestore: [100], indexeddbshim: [shim], 'fake-indexeddb': [fake] }
    return (await judge(await summarise(workloads, { idbGet: figures }))).get('idbGet')!
  }
  assert.equal((await judgeGets(20, 100)).isMet, true)
  assert.equal((await judgeGets(20, 101)).isMet, false)
  assert.equal((await judgeGets(21, 100)).isMet, false)
})

/** A run of one workload of its own interface and one of IndexedDB, with one peer each. */
async function runOfBoth(): Promise<any> {
  const { summariseAll } = await import('../../bench/lib/summary.mjs')
  const peers = ['lodestore', 'lmdb', 'indexeddbshim', 'fake-indexeddb']
  const outcome = (figure: number) => [{ figure, delay: 1 }]
  const summary = summariseAll(
    [
      { name: 'get', title: 'get', unit: 'ops/s' },
      { name: 'idbGet', title: 'IndexedDB: get', unit: 'ops/s', api: 'indexeddb' },
    ],
    {
      get: { lodestore: outcome(900), lmdb: outcome(300) },
      idbGet: {
        lodestore: outcome(100),
        indexeddbshim: outcome(10),
        'fake-indexeddb': outcome(50),
      },
    },
    peers.map((name) => ({ name })),
  )
  return {
    machine: { node: '20.0.0', platform: 'linux', arch: 'x64', cpus: 2, model: 'none' },
    options: { main: 1000, seconds: 1 },
    peers,
    about: Object.fromEntries(peers.map((name) => [name, { title: name, durability: {} }])),
    versions: {},
    missing: [],
    scales: [{ docs: 1000, passes: 1, skipped: [], summary }],
    goals: [],
  }
}

const rowsOf = (text: string, title: string) =>
  text
    .split('\n')
    .filter((line) => line.startsWith(`| ${title}`))
    .map((line) => line.split(' | ').map((cell) => cell.replace(/[|*]/g, '').trim()))

test('rows of IndexedDB have a table of their own, with what offers it', async () => {
  const run = await runOfBoth()
  const { report } = await import('../../bench/lib/report.mjs')
  const { section } = await import('../../bench/lib/readme.mjs')
  const text = report(run)
  const [own, ownDelay] = rowsOf(text, 'get')
  assert.deepEqual(own, ['get', 'ops/s', '900 ±0 %', '300 ±0 %', '3.00 × lmdb'])
  assert.deepEqual(ownDelay, ['get', '1', '1'])
  const [row] = rowsOf(text, 'IndexedDB: get')
  const figures = ['100 ±0 %', '10.0 ±0 %', '50.0 ±0 %', '10.00 ×', '2.00 ×']
  assert.deepEqual(row, ['IndexedDB: get', 'ops/s', ...figures])
  const [shown] = rowsOf(section(run), 'IndexedDB: get')
  assert.deepEqual(shown, ['IndexedDB: get (ops/s)', '100', '10.0', '50.0'])
})
