import { readFileSync, writeFileSync } from 'node:fs'
import { short, table } from './figures.mjs'

const BEGIN = '<!-- bench:begin -->'
const END = '<!-- bench:end -->'
const PEERS = ['lodestore', 'lmdb', 'better-sqlite3-json', 'better-sqlite3-columns', 'node-sqlite']
const PEERS_OF_INDEXED_DB = ['lodestore', 'indexeddbshim', 'fake-indexeddb']
const PEERS_OF_SEALED = ['lodestore', 'multiple-ciphers-json', 'multiple-ciphers-columns']
const PEERS_OF_VECTORS = ['lodestore', 'usearch', 'hnswlib-node', 'sqlite-vec', 'lancedb']
const WORKLOADS = [
  'bulkStrict',
  'put',
  'putRelaxed',
  'putConcurrent',
  'getSync',
  'get',
  'getMany',
  'findEqual',
  'findRange',
  'iterate',
  'scan',
  'countAll',
  'countIndex',
  'updateConcurrent',
  'delete',
  'disk',
  'open',
]

const WORKLOADS_OF_SEALED = [
  'sealedBulkStrict',
  'sealedPut',
  'sealedPutConcurrent',
  'sealedGetSync',
  'sealedGetMany',
  'sealedFindEqual',
  'sealedFindRange',
  'sealedScan',
  'sealedCountIndex',
  'sealedUpdateConcurrent',
  'sealedDelete',
  'sealedDisk',
  'sealedOpen',
]

const WORKLOADS_OF_INDEXED_DB = [
  'idbPut',
  'idbGet',
  'idbGetAtOnce',
  'idbCursor',
  'idbGetAll',
  'idbGetAllByIndex',
  'idbTransactions',
  'idbTransactionsAtOnce',
]

const WORKLOADS_OF_VECTORS = [
  'vectorsF32Build',
  'vectorsF32Search',
  'vectorsF32Filtered100',
  'vectorsF32Filtered10',
  'vectorsBf16Build',
  'vectorsBf16Search',
]

/** A table of workloads, or nothing when none of them was run. */
function tableOf({ about, peers, summary }, names, wanted) {
  const shown = wanted.filter((peer) => peers.includes(peer))
  const rows = names
    .map((name) => summary.find((workload) => workload.name === name))
    .filter((workload) => workload !== undefined)
    .map(({ title, unit, rows: byPeer, isLess }) => {
      const medians = shown.map((peer) => byPeer[peer]?.median)
      const known = medians.filter((median) => median !== undefined)
      const best = isLess ? Math.min(...known) : Math.max(...known)
      const cells = medians.map((median) => {
        if (median === undefined) return '–'
        return median === best ? `**${short(median, unit)}**` : short(median, unit)
      })
      return [`${title} (${unit})`, ...cells]
    })
  if (rows.length === 0) return []
  return [...table(['', ...shown.map((peer) => about[peer].title)], rows), '']
}

/** The section of README.md about speed, in Markdown. */
export function section(run) {
  const { scales, options, machine } = run
  const { summary, docs } = scales.find((scale) => scale.docs === options.main)
  const size = docs.toLocaleString('en')
  const view = { ...run, summary }
  const sealed = tableOf(view, WORKLOADS_OF_SEALED, PEERS_OF_SEALED)
  const indexedDb = tableOf(view, WORKLOADS_OF_INDEXED_DB, PEERS_OF_INDEXED_DB)
  const vectors = tableOf(view, WORKLOADS_OF_VECTORS, PEERS_OF_VECTORS)
  return [
    `${size} documents of 12 fields (350 bytes of JSON) with two indexes, each store in fresh`,
    `processes of one run on a machine with ${machine.cpus} processors. All rows and peers,`,
    'spreads, goals, growth up to larger sets, and what a write of each store has reached are in',
    '[bench/RESULTS.md](bench/RESULTS.md):',
    '',
    ...tableOf(view, WORKLOADS, PEERS),
    ...(sealed.length > 0 ? ['The same in encrypted databases:', ''] : []),
    ...sealed,
    ...(indexedDb.length > 0 ? ['The same through the interface of IndexedDB:', ''] : []),
    ...indexedDb,
    ...(vectors.length > 0 ? ['Vectors of 384 components, one for five documents:', ''] : []),
    ...vectors,
    '`npm run bench -- --scales` runs it again.',
  ].join('\n')
}

/** Replaces the section in a file. */
export function writeSection(path, run) {
  const text = readFileSync(path, 'utf8')
  const begin = text.indexOf(BEGIN)
  const end = text.indexOf(END)
  if (begin < 0 || end < begin) throw new Error(`${path} has no ${BEGIN} before ${END}`)
  const kept = text.slice(0, begin + BEGIN.length)
  writeFileSync(path, `${kept}\n${section(run)}\n${text.slice(end)}`)
}
