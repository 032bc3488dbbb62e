'use strict'

/* Installs the interfaces of IndexedDB as globals. */

const { configure: _, ...interfaces } = require('./index')

for (const [name, value] of Object.entries(interfaces)) {
  Object.defineProperty(globalThis, name, { value, writable: true, configurable: true })
}
