'use strict'

const methods = {
  // oxlint-disable-next-line unicorn/no-thenable -- it is what it yields, when awaited
  then(onFulfilled, onRejected) {
    return this.toArray().then(onFulfilled, onRejected)
  },

  catch(onRejected) {
    return this.toArray().catch(onRejected)
  },

  finally(onFinally) {
    return this.toArray().finally(onFinally)
  },
}

/** Makes what has `toArray()` a promise of it, which begins anew each time that it is awaited. */
function makeAwaitable({ prototype }) {
  for (const [name, value] of Object.entries(methods)) {
    Object.defineProperty(prototype, name, { value, writable: true, configurable: true })
  }
}

module.exports = { makeAwaitable }
