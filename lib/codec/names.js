'use strict'

const { corrupt, readValue } = require('./decode')
const { TAG } = require('./tags')

/** Reads a value that has to be a string. */
function readText(decoder) {
  const tag = decoder.buffer[decoder.position]
  const short = tag >= TAG.SHORT_STRING && tag < TAG.SHAPED
  if (!short && !(tag >= TAG.LATIN1_U8 && tag <= TAG.UTF16)) {
    corrupt('a value needs a string that it does not have')
  }
  return readValue(decoder)
}

/** Reads the names of an object's fields. */
function readNames(decoder, count) {
  if (count > decoder.end - decoder.position) corrupt('the names of an object are cut off')
  const names = []
  for (let i = 0; i < count; i++) names.push(readText(decoder))
  return names
}

module.exports = { readNames, readText }
