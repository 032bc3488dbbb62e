'use strict'

/** The version of whole databases as text (docs/exchange.md). */
const FORMAT_VERSION = 1

module.exports = { FORMAT_VERSION }
