import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** The program of `reference/`, where cargo is told to build it. */
export const PROGRAM = fileURLToPath(
  new URL(
    `../../target/bench-reference/release/lodestore-bench-reference${
      process.platform === 'win32' ? '.exe' : ''
    }`,
    import.meta.url,
  ),
)

/** LMDB through heed, in a program of its own that commits, measures and checks by itself. */
class Heed {
  static async open(path, { durability }) {
    return new Heed(path, durability)
  }

  constructor(path, durability) {
    this.path = path
    this.durability = durability
  }

  async measurePuts(seconds) {
    const { stdout } = await run(PROGRAM, [this.path, this.durability, String(seconds)])
    const { puts, seconds: spent } = JSON.parse(stdout)
    return puts / spent
  }

  close() {}
}

export default {
  name: 'heed',
  title: 'bare heed (reference)',
  package: null,
  durability: {
    strict: "two syncs a commit (LMDB's default)",
    relaxed: 'data pages synced at each commit (MDB_NOMETASYNC)',
    none: 'in the page cache (MDB_NOSYNC)',
  },
  open: Heed.open,
}
