import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { short, table } from '../lib/figures.mjs'
import { median } from '../lib/summary.mjs'
import { promiseCost, transactionCost } from './calls.mjs'
import { shapeCost } from './shapes.mjs'

const ROUNDS = 40
/** Microseconds of one variant in a round. */
const SLICE = 25_000

/**
 * Times two variants in turn, many times, so that what else the machine does hits both alike. Time
 * is the processor's: nothing here waits for a disk.
 *
 * @param {{ a: () => unknown, b: () => unknown, beforeB?: () => unknown, afterB?: () => unknown,
 *   size: number }} pair each call of a variant does `size` operations
 * @returns {Promise<{ a: number, b: number, ratio: number }>} nanoseconds an operation, and the
 *   median over the rounds of b to a
 */
async function interleave({ a, b, beforeB, afterB, size }) {
  const spent = { a: [], b: [] }
  for (let round = -2; round < ROUNDS; round++) {
    const one = await time(a, size)
    await beforeB?.()
    const other = await time(b, size)
    await afterB?.()
    if (round < 0) continue
    spent.a.push(one)
    spent.b.push(other)
  }
  const ratios = spent.b.map((other, i) => other / spent.a[i])
  return { a: median(spent.a), b: median(spent.b), ratio: median(ratios) }
}

async function time(variant, size) {
  const start = process.cpuUsage()
  let calls = 0
  let microseconds
  do {
    await variant()
    calls += 1
    const { user, system } = process.cpuUsage(start)
    microseconds = user + system
  } while (microseconds < SLICE)
  return (microseconds * 1e3) / (calls * size)
}

/**
 * What single parts of Lodestore cost: two variants of the same work, in turn, in one process. The
 * checksum cannot be switched off, so its cost is a matter of the engine's benches
 * (`envelope/check`, and `store/get` beside the one that checks twice).
 *
 * @param {{ data?: string, docs: number[], out?: string }} options
 */
export async function costs({ data, docs: [count], out }) {
  const base = fileURLToPath(new URL('../../.cache/bench', import.meta.url))
  const directory = join(resolve(data ?? base), 'costs')
  rmSync(directory, { recursive: true, force: true })
  mkdirSync(directory, { recursive: true })
  const rows = []
  const compare = async (what, a, b, pair) => {
    const told = await interleave(pair)
    const nanoseconds = (figure) => `${short(figure, 'ns')} ns`
    rows.push([what, a, nanoseconds(told.a), b, nanoseconds(told.b), `${told.ratio.toFixed(2)} ×`])
    console.log(rows.at(-1).join('  '))
  }
  try {
    await promiseCost(join(directory, 'promise'), count, compare)
    await transactionCost(join(directory, 'transaction'), count, compare)
    await shapeCost(join(directory, 'shapes'), count, compare)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
  const head = ['', 'one variant', '', 'the other', '', 'ratio']
  const { node } = process.versions
  const text = [
    '# What parts cost',
    '',
    `${count.toLocaleString('en')} documents, Node.js ${node}. Processor time, medians`,
    `of ${ROUNDS} rounds; in each, both variants are timed in turn. The ratio is the median of the`,
    'ratios within a round.',
    '',
    ...table(head, rows),
    '',
  ].join('\n')
  console.log(`\n${text}`)
  if (out !== undefined) {
    mkdirSync(resolve(out), { recursive: true })
    writeFileSync(join(resolve(out), 'COSTS.md'), text)
  }
}
