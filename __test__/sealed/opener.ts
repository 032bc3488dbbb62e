/** A program that has a database open until it is killed. */

import { open } from '../../index.js'
import { heard, say } from '../support/parent'

async function main(path: string): Promise<void> {
  const db = await open(path)
  say('open')
  await heard()
  await db.close()
}

void main(process.argv[2]!)
