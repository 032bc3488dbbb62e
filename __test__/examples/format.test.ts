import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { decodeKey, encodeKeyToBuffer } from '../../lib/key'
import { root } from './run'

const MINUS = '−'
const INTEGER_2_53_PLUS_1 = 2n ** 53n + 1n

/** The value that a cell of the table of numbers shows. */
function numberOf(text: string): number | bigint {
  const plain = text.replaceAll('`', '').replaceAll(',', '').replaceAll(MINUS, '-')
  if (plain === '∞') return Infinity
  if (plain === '2⁵³ + 1') return INTEGER_2_53_PLUS_1
  return plain.endsWith('n') ? BigInt(plain.slice(0, -1)) : Number(plain)
}

test('the encoded numbers in docs/format.md are right', () => {
  const text = readFileSync(join(root, 'docs', 'format.md'), 'utf8')
  const table = text.slice(text.indexOf('| Number | Bytes'))
  const rows = Array.from(
    table.slice(0, table.indexOf('\n\n')).matchAll(/^\| (.+?) \| `(.+?)` \|$/gm),
  )
  assert.ok(rows.length >= 7)
  for (const [, numbers = '', bytes = ''] of rows) {
    const hex = bytes.replaceAll(' ', '')
    for (const number of numbers.split(/, (?=\D)/)) {
      const value = numberOf(number)
      assert.equal(encodeKeyToBuffer(value).toString('hex'), hex, number)
    }
    assert.equal(encodeKeyToBuffer(decodeKey(Buffer.from(hex, 'hex'))).toString('hex'), hex)
  }
})
