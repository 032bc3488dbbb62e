/** A worker thread that searches in a database. */

import { open } from '../../index.js'
import { serve } from '../support/serve'

serve(module, async ({ path }: { path: string }) => {
  const db = await open(path, { mode: 'open' })
  const vectors = [Float32Array.of(4.9, 0), [99.9, 0]]
  const found = await db.store('docs').nearestMany('near', vectors, { k: 3 })
  await db.close()
  return found.map((hits) => hits.map(({ key }) => key))
})
