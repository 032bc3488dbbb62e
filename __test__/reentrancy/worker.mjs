/** Starts worker.ts in a worker thread. */

import { createRequire } from 'node:module'
import 'tsx/cjs'

createRequire(import.meta.url)('./worker.ts')
