import { parseArgs } from 'node:util'
import { PEERS } from '../peers/index.mjs'
import { WORKLOADS } from '../workloads/index.mjs'

const USAGE = `node bench/run.mjs [options]

  --only a,b      these workloads; a name stands for all that begin with it,
                  so find is findEqual and findRange
  --peers a,b     Lodestore and these peers
  --docs n        documents in the set (100000)
  --passes n      passes over all peers (3)
  --seconds n     for how long each workload is repeated (1)
  --data path     where databases are made (.cache/bench); it should be on the disk that matters
  --out path      where the report goes; by default a run of everything writes to bench/, and one
                  that is narrowed only prints
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
        docs: { type: 'string', default: '100000' },
        passes: { type: 'string', default: '3' },
        seconds: { type: 'string', default: '1' },
        data: { type: 'string' },
        out: { type: 'string' },
        list: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
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
    only,
    peers: peers.filter((name) => name === 'lodestore' || chosen.includes(name)),
    isWhole: values.only === undefined && values.peers === undefined,
    docs: Math.floor(positive('docs', values.docs)),
    passes: Math.floor(positive('passes', values.passes)),
    seconds: positive('seconds', values.seconds),
    data: values.data,
    out: values.out,
  }
}
