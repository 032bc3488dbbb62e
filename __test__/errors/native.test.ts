import assert from 'node:assert/strict'
import { test } from 'node:test'
import { guardNative } from '../../lib/native-database.js'
import { errorOfReport, reportOf } from '../../lib/native-errors.js'
import { throws } from '../support/database'

const binding = require('../../lib/binding.js')

/** Stands for a database of which every call fails, as the native library fails. */
class Failing {}

for (const name of Object.getOwnPropertyNames(binding.NativeDatabase.prototype)) {
  if (name === 'constructor') continue
  Object.defineProperty(Failing.prototype, name, {
    value() {
      throw new Error(JSON.stringify({ code: 'IO', message: `the disk failed in ${name}` }))
    },
  })
}

test('what any call of the native library throws becomes a LodestoreError', () => {
  const turn = { hold() {} }
  const errorOf = (reason: unknown) => errorOfReport(reportOf(reason)!)
  const guarded = guardNative(new Failing(), turn as never, errorOf) as Record<string, () => void>
  const names = Object.getOwnPropertyNames(Object.getPrototypeOf(guarded)).filter(
    (name) => name !== 'constructor',
  )
  assert.ok(names.includes('write') && names.includes('catalogVersion') && names.length > 20)
  for (const name of names) {
    const error = throws(() => guarded[name]!(), 'IO')
    assert.match(error.message, new RegExp(`the disk failed in ${name}$`))
  }
})
