'use strict'

/* Installs the interfaces of IndexedDB as globals. */

const exported = require('./index')

for (const [name, value] of Object.entries(exported)) {
  if (name === 'configure') continue
  Object.defineProperty(globalThis, name, { value, writable: true, configurable: true })
}
