'use strict'

/* Globals as they are when the package is loaded: some libraries put their own in their place. */

module.exports.Promise = Promise
module.exports.queueMicrotask = queueMicrotask
