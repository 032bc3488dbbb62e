'use strict'

const { LodestoreError } = require('./lib/errors')
const { KeyRange, compareKeys } = require('./lib/key')
const { open } = require('./lib/open')

module.exports.open = open
module.exports.KeyRange = KeyRange
module.exports.compareKeys = compareKeys
module.exports.LodestoreError = LodestoreError
