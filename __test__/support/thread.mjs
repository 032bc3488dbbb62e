/** Runs a TypeScript file, `workerData.file`, in a worker thread. */

import { createRequire } from 'node:module'
import { workerData } from 'node:worker_threads'

const require = createRequire(import.meta.url)
require('tsx/cjs')
require(workerData.file)
