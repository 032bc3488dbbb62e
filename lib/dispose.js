'use strict'

/*
 * The symbols of explicit resource management. Where the first releases of Node.js 20 lack them,
 * `using` cannot work either, and the methods stand under symbols that nobody looks up.
 */

/** Under which `using` looks for what ends a resource. */
const dispose = Symbol.dispose ?? Symbol('Symbol.dispose')
/** Under which `await using` looks for it. */
const asyncDispose = Symbol.asyncDispose ?? Symbol('Symbol.asyncDispose')

module.exports = { dispose, asyncDispose }
