'use strict'

const { TAG } = require('./tags')

/**
 * Writes a number in its shortest form. The slack behind `writer.position` has room for it.
 *
 * @param {import('./write-buffer').WriteBuffer} writer
 * @param {number} value
 */
function writeNumber(writer, value) {
  const { buffer, position } = writer
  if ((value | 0) === value && (value !== 0 || 1 / value > 0)) {
    if (value >= 0) {
      if (value < 64) {
        buffer[position] = value
        writer.position = position + 1
        return
      }
      if (value < 256) {
        buffer[position] = TAG.U8
        buffer[position + 1] = value
        writer.position = position + 2
        return
      }
      if (value < 65536) {
        buffer[position] = TAG.U16
        buffer[position + 1] = value & 0xff
        buffer[position + 2] = value >> 8
        writer.position = position + 3
        return
      }
    } else if (value >= -256) {
      buffer[position] = TAG.NEGATIVE_U8
      buffer[position + 1] = -1 - value
      writer.position = position + 2
      return
    }
    buffer[position] = TAG.I32
    writer.view.setInt32(position + 1, value, true)
    writer.position = position + 5
    return
  }
  buffer[position] = TAG.F64
  writer.setF64(position + 1, value)
  writer.position = position + 9
}

module.exports = { writeNumber }
