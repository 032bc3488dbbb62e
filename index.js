'use strict'

const { decrypt, encrypt } = require('./lib/care/encrypt')
const { files } = require('./lib/care/files')
const { redact } = require('./lib/care/redact')
const { repair } = require('./lib/care/repair')
const { restore } = require('./lib/care/restore')
const { LodestoreError } = require('./lib/errors')
const { KeyRange, compareKeys } = require('./lib/key')
const { open } = require('./lib/open')
const { where } = require('./lib/query/conditions')
const { expr } = require('./lib/query/expression')

module.exports.open = open
module.exports.restore = restore
module.exports.repair = repair
module.exports.encrypt = encrypt
module.exports.decrypt = decrypt
module.exports.files = files
module.exports.redact = redact
module.exports.KeyRange = KeyRange
module.exports.compareKeys = compareKeys
module.exports.expr = expr
module.exports.where = where
module.exports.LodestoreError = LodestoreError
