import { idbPut, INDEXED_DB } from './indexeddb.mjs'
import { join } from './join.mjs'
import { moduleLoad, openExisting } from './open.mjs'
import { memoryGrowth, READS } from './read.mjs'
import { update, updateConcurrent } from './update.mjs'
import { vectors } from './vectors.mjs'
import * as write from './write.mjs'

/** @type {import('../lib/contract.mjs').Group[]} */
const PLAIN = [
  {
    name: 'load',
    stage: 'kept',
    durability: 'default',
    loads: write.bulk.name,
    workloads: [write.bulk, write.disk],
  },
  { name: 'load-strict', stage: 'empty', durability: 'strict', workloads: [write.bulkStrict] },
  {
    name: 'load-compressed',
    stage: 'empty',
    durability: 'default',
    compression: true,
    workloads: [write.diskCompressed],
  },
  { name: 'put', stage: 'empty', durability: 'strict', workloads: [write.putStrict] },
  { name: 'put-relaxed', stage: 'empty', durability: 'relaxed', workloads: [write.putRelaxed] },
  { name: 'put-unsynced', stage: 'empty', durability: 'none', workloads: [write.putUnsynced] },
  {
    name: 'put-concurrent',
    stage: 'empty',
    durability: 'strict',
    workloads: [write.putConcurrent],
  },
  {
    name: 'open',
    stage: 'closed',
    durability: 'default',
    times: 5,
    workloads: [moduleLoad, openExisting],
  },
  { name: 'read', stage: 'loaded', durability: 'default', workloads: READS },
  { name: 'join', stage: 'copy', durability: 'default', workloads: [join] },
  { name: 'memory', stage: 'loaded', durability: 'default', workloads: [memoryGrowth] },
  { name: 'update', stage: 'copy', durability: 'strict', workloads: [update] },
  {
    name: 'update-concurrent',
    stage: 'copy',
    durability: 'strict',
    workloads: [updateConcurrent],
  },
  { name: 'delete', stage: 'copy', durability: 'default', workloads: [write.remove] },
]

/** Groups whose work is also done in encrypted databases. */
const SEALED = [
  ...['load', 'load-strict', 'put', 'put-relaxed', 'put-concurrent', 'open', 'read', 'update'],
  ...['update-concurrent', 'delete'],
]

const sealedName = (name) => `sealed${name[0].toUpperCase()}${name.slice(1)}`

/** The same work in an encrypted database. */
function sealed({ name, loads, workloads, ...group }) {
  return {
    ...group,
    name: `sealed-${name}`,
    api: 'sealed',
    loads: loads === undefined ? undefined : sealedName(loads),
    workloads: workloads
      .filter((workload) => workload !== moduleLoad)
      .map((workload) => ({
        ...workload,
        name: sealedName(workload.name),
        title: `encrypted: ${workload.title}`,
        grows: false,
      })),
  }
}

/**
 * What one process runs, in this order.
 *
 * @type {import('../lib/contract.mjs').Group[]}
 */
export const GROUPS = [
  ...PLAIN,
  ...PLAIN.filter(({ name }) => SEALED.includes(name)).map(sealed),
  {
    name: 'indexeddb',
    api: 'indexeddb',
    stage: 'empty',
    durability: 'strict',
    loads: idbPut.name,
    // indexeddbshim puts 3,000 documents a second.
    patience: 3,
    workloads: INDEXED_DB,
  },
  vectors('f32', 32),
  vectors('bf16', 16),
]

export const WORKLOADS = GROUPS.flatMap(({ api, workloads }) =>
  workloads.map((workload) => ({ ...workload, api })),
)
