/**
 * Refuses a Node.js that is too old, in one sentence. It imports nothing, so that it runs on any
 * version: import it first, and everything else with `await import(…)` after it.
 */

const OLDEST = 20

const major = Number(process.versions.node.split('.')[0])
if (major < OLDEST) {
  console.error(
    'lodestore: Node.js ' +
      OLDEST +
      ' or newer is needed, this is ' +
      process.version +
      ': install a current version from https://nodejs.org and run this again.',
  )
  process.exit(1)
}
