'use strict'

const { LodestoreError } = require('./lib/errors')
const { KeyRange, compareKeys } = require('./lib/key')
const { open } = require('./lib/open')
const { where } = require('./lib/query/conditions')
const { expr } = require('./lib/query/expression')

module.exports.open = open
// Loaded when it is called: few programs do.
module.exports.restore = (...args) => require('./lib/care/restore').restore(...args)
module.exports.repair = (...args) => require('./lib/care/repair').repair(...args)
module.exports.encrypt = (...args) => require('./lib/care/encrypt').encrypt(...args)
module.exports.decrypt = (...args) => require('./lib/care/encrypt').decrypt(...args)
module.exports.files = (...args) => require('./lib/care/files').files(...args)
module.exports.redact = (...args) => require('./lib/care/redact').redact(...args)
module.exports.KeyRange = KeyRange
module.exports.compareKeys = compareKeys
module.exports.expr = expr
module.exports.where = where
module.exports.LodestoreError = LodestoreError
