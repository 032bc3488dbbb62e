// Does a fixed piece of work again and again, each time with another call on the database's files
// that fails, and checks what the program is told and what is on disk afterwards.
//
//   node --import=tsx scripts/io-faults.mjs

import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const { ioFaults } = require('../__test__/io-faults/run.ts')

for (const isSealed of [false, true]) {
  for (const durability of ['strict', 'relaxed']) {
    const what = `${durability}${isSealed ? ', encrypted' : ''}`
    const tally = await ioFaults({
      durability,
      isSealed,
      onFault(done, all) {
        if (done % 100 === 0) console.log(`${what}: ${done} of ${all}`)
      },
    })
    console.log(`${what}: ${JSON.stringify(tally)}`)
  }
}
console.log('every failure was told, and nothing acknowledged was lost')
