/**
 * The global `navigator` of Node.js 21 and newer, for clients that ask it for the browser's name
 * without asking whether there is one.
 */

if (typeof navigator === 'undefined') {
  const value = { userAgent: `Node.js/${process.versions.node.split('.')[0]}` }
  Object.defineProperty(globalThis, 'navigator', { value, configurable: true })
}
