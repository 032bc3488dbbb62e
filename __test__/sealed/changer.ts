/** A program that changes the passphrase of a database until it is killed. */

import { open } from '../../index.js'
import { say } from '../support/parent'

const kdf = { memory: 8, iterations: 1, parallelism: 1 }

async function main(path: string, first: string, second: string): Promise<void> {
  const db = await open(path, { encryption: { passphrase: first } })
  let [current, next] = [first, second]
  for (;;) {
    // Said before, so that the test knows what may be.
    say([current, next])
    await db.changePassphrase({ passphrase: current }, { passphrase: next, kdf })
    ;[current, next] = [next, current]
  }
}

void main(process.argv[2]!, process.argv[3]!, process.argv[4]!)
