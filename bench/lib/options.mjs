import { parseArgs } from 'node:util'
import { PEERS } from '../peers/index.mjs'
import { WORKLOADS } from '../workloads/index.mjs'

const SCALES = '10000,100000,1000000'

const USAGE = `node bench/run.mjs [options]

  --only a,b      these workloads; a name stands for all that begin with it,
                  so find is findEqual and findRange
  --peers a,b     Lodestore and these peers
  --docs n,m      documents in the set (100000); with several sizes every workload runs on one of
                  them, those of the table of growth on all
  --scales        the same as --docs ${SCALES}
  --passes n      passes over all peers (3); over sets of other sizes at most 2
  --seconds n     for how long each workload is repeated (0.5)
  --minutes n     no further pass begins when this time would be exceeded (25)
  --timeout n     seconds that one process may take (150)
  --data path     where databases are made (.cache/bench); it should be on the disk that matters
  --out path      where the report goes; by default a run of everything writes to bench/ and
                  into README.md, and one that is narrowed only prints
  --costs         what single parts of Lodestore cost, instead of the comparison
  --list          the names of workloads and peers`

/** A command line that cannot be followed. */
export class UsageError extends Error {
  constructor(message) {
    super(`${message}\n\n${USAGE}`)
  }
}

const list = (text) => text.split(',').filter((part) => part !== '')

function positive(name, text) {
  const number = Number(text)
  if (Number.isFinite(number) && number > 0) return number
  throw new UsageError(`--${name} must be a number above 0, not ${text}`)
}

/** Names that the asked ones stand for: the name itself, or whole words that follow it. */
function expand(asked, known, what) {
  return asked.flatMap((name) => {
    const found = known.filter((one) => one === name || /^[A-Z-]/.test(one.replace(name, '')))
    const matching = found.filter((one) => one.startsWith(name))
    if (matching.length > 0) return matching
    throw new UsageError(`there is no ${what} ${name}, only: ${known.join(', ')}`)
  })
}

/** Sizes of the sets, ascending, and the one on which everything runs. */
function sizes(text) {
  const docs = list(text).map((one) => Math.floor(positive('docs', one)))
  if (docs.length === 0) throw new UsageError('--docs names no size')
  docs.sort((a, b) => a - b)
  const main = docs.includes(100_000) ? 100_000 : docs[docs.length >>> 1]
  return { docs: [...new Set(docs)], main }
}

const text = (value) => ({ type: 'string', default: value })
const flag = { type: 'boolean', default: false }

/**
 * Reads the command line.
 *
 * @param {string[]} args
 * @throws {UsageError}
 */
export function parse(args) {
  let values
  try {
    ;({ values } = parseArgs({
      args,
      options: {
        only: { type: 'string' },
        peers: { type: 'string' },
        docs: text('100000'),
        scales: flag,
        passes: text('3'),
        seconds: text('0.5'),
        minutes: text('25'),
        timeout: text('150'),
        data: { type: 'string' },
        out: { type: 'string' },
        costs: flag,
        list: flag,
        help: flag,
      },
    }))
  } catch (error) {
    throw new UsageError(error.message)
  }
  const workloads = WORKLOADS.map(({ name }) => name)
  const peers = PEERS.map(({ name }) => name)
  const only =
    values.only === undefined ? workloads : expand(list(values.only), workloads, 'workload')
  const chosen = values.peers === undefined ? peers : expand(list(values.peers), peers, 'peer')
  return {
    usage: values.help ? USAGE : undefined,
    isList: values.list,
    isCosts: values.costs,
    only,
    peers: peers.filter((name) => name === 'lodestore' || chosen.includes(name)),
    isWhole: values.only === undefined && values.peers === undefined,
    ...sizes(values.scales ? SCALES : values.docs),
    passes: Math.floor(positive('passes', values.passes)),
    seconds: positive('seconds', values.seconds),
    minutes: positive('minutes', values.minutes),
    timeout: positive('timeout', values.timeout),
    data: values.data,
    out: values.out,
  }
}
