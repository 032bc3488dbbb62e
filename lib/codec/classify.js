'use strict'

const { types } = require('node:util')
const { Blob, File } = require('node:buffer')

/** What an object is to structured clone. */
const KIND = Object.freeze({
  PLAIN: 0,
  DATE: 1,
  REGEXP: 2,
  MAP: 3,
  SET: 4,
  ERROR: 5,
  BUFFER: 6,
  VIEW: 7,
  BOXED: 8,
  BLOB: 9,
  UNCLONEABLE: 10,
})

const ITERATOR_PROTOTYPE = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]()))
const ASYNC_ITERATOR_PROTOTYPE = Object.getPrototypeOf(
  Object.getPrototypeOf(async function* () {}.prototype),
)

/** Constructors whose objects hold what own properties do not show. */
const UNCLONEABLE_CLASSES = [
  Promise,
  WeakMap,
  WeakSet,
  WeakRef,
  FinalizationRegistry,
  SharedArrayBuffer,
  globalThis.MessagePort,
  globalThis.EventTarget,
  globalThis.Event,
  globalThis.MessageChannel,
  globalThis.WebAssembly?.Module,
  globalThis.WebAssembly?.Instance,
  globalThis.WebAssembly?.Memory,
].filter((constructor) => typeof constructor === 'function')

/**
 * Classes of the platform whose objects hold what own properties do not show. They are found by
 * their names, since looking at the globals would load what many programs never use.
 */
const PLATFORM_CLASSES = new Set([
  'ByteLengthQueuingStrategy',
  'CompressionStream',
  'CountQueuingStrategy',
  'DecompressionStream',
  'FormData',
  'Headers',
  'ReadableStream',
  'Request',
  'Response',
  'TextDecoder',
  'TextDecoderStream',
  'TextEncoder',
  'TextEncoderStream',
  'TransformStream',
  'URL',
  'URLSearchParams',
  'WritableStream',
])

/** The prototypes of interfaces that this package has itself. */
const interfaces = new WeakSet()

/** Has objects of an interface refused, as structured clone refuses those of the platform's. */
function refuseInterface(prototype) {
  interfaces.add(prototype)
}

const BUILTIN_PROTOTYPES = new Set([
  ...[
    ...UNCLONEABLE_CLASSES,
    ...[Date, RegExp, Map, Set, Error, ArrayBuffer, DataView, Object.getPrototypeOf(Uint8Array)],
    ...[Boolean, Number, String, BigInt, Symbol, Function, Array, Blob, globalThis.DOMException],
  ]
    .filter((constructor) => typeof constructor === 'function')
    .map((constructor) => constructor.prototype),
  ITERATOR_PROTOTYPE,
  ASYNC_ITERATOR_PROTOTYPE,
])

/** Prototypes of user classes that lead to Object.prototype past no built-in one. */
const plainPrototypes = new WeakSet()

/**
 * The kind of an object that is not an array. Subclasses of built-ins are of the built-in's kind,
 * as in structured clone; instances of other classes are plain objects.
 *
 * @param {object} object
 * @param {object | null} prototype its prototype
 * @returns {number} one of KIND
 */
function classify(object, prototype) {
  if (prototype === null || plainPrototypes.has(prototype)) return KIND.PLAIN
  const kind = classifyByBrand(object)
  if (kind === KIND.PLAIN && leadsToObjectPrototype(prototype)) plainPrototypes.add(prototype)
  return kind
}

/** Whether a prototype is a built-in one other than Object.prototype, or inherits from one. */
function isBuiltin(prototype) {
  let ancestor = prototype
  while (ancestor !== null && !BUILTIN_PROTOTYPES.has(ancestor)) {
    ancestor = Object.getPrototypeOf(ancestor)
  }
  return ancestor !== null
}

function leadsToObjectPrototype(prototype) {
  let ancestor = prototype
  while (ancestor !== null && ancestor !== Object.prototype) {
    if (BUILTIN_PROTOTYPES.has(ancestor)) return false
    ancestor = Object.getPrototypeOf(ancestor)
  }
  return ancestor !== null
}

/** Asks the engine, which prototypes and `Symbol.toStringTag` cannot deceive. */
function classifyByBrand(object) {
  if (types.isDate(object)) return KIND.DATE
  if (ArrayBuffer.isView(object)) {
    return types.isSharedArrayBuffer(object.buffer) ? KIND.UNCLONEABLE : KIND.VIEW
  }
  if (types.isMap(object)) return KIND.MAP
  if (types.isSet(object)) return KIND.SET
  if (types.isNativeError(object)) return KIND.ERROR
  if (types.isRegExp(object)) return KIND.REGEXP
  if (types.isArrayBuffer(object)) return KIND.BUFFER
  if (types.isBoxedPrimitive(object)) {
    return types.isSymbolObject(object) ? KIND.UNCLONEABLE : KIND.BOXED
  }
  if (object instanceof Blob) return KIND.BLOB
  if (isDomException(object)) return KIND.ERROR
  return isUncloneable(object) ? KIND.UNCLONEABLE : KIND.PLAIN
}

function isDomException(object) {
  const { DOMException } = globalThis
  return (
    typeof DOMException === 'function' &&
    object instanceof DOMException &&
    object !== DOMException.prototype
  )
}

/** Deno cannot tell what native code has wrapped. */
const no = () => false
const { isCryptoKey = no, isExternal = no, isKeyObject = no } = types

function isUncloneable(object) {
  if (types.isPromise(object) || types.isWeakMap(object) || types.isWeakSet(object)) return true
  if (types.isGeneratorObject(object) || isExternal(object)) return true
  if (types.isSharedArrayBuffer(object) || types.isModuleNamespaceObject(object)) return true
  // What a Map or a Date holds cannot be read through a proxy; it would be stored as {}.
  if (types.isProxy(object)) return isBuiltin(Object.getPrototypeOf(object))
  if (isPlatformObject(object)) return true
  for (const constructor of UNCLONEABLE_CLASSES) if (object instanceof constructor) return true
  return (
    isPrototypeOf(ITERATOR_PROTOTYPE, object) || isPrototypeOf(ASYNC_ITERATOR_PROTOTYPE, object)
  )
}

/** Whether an object is one of the platform's, which structured clone does not know how to copy. */
function isPlatformObject(object) {
  let prototype = Object.getPrototypeOf(object)
  while (prototype !== null && prototype !== Object.prototype && !types.isProxy(prototype)) {
    if (interfaces.has(prototype)) return true
    const name = Object.getOwnPropertyDescriptor(prototype, Symbol.toStringTag)?.value
    // Asked only where they may be: the question loads the library of keys.
    if (name === 'KeyObject' || name === 'CryptoKey') {
      return isKeyObject(object) || isCryptoKey(object)
    }
    if (PLATFORM_CLASSES.has(name) && globalThis[name]?.prototype === prototype) return true
    if (typeof name === 'string' && name.startsWith('Intl.')) return isOfIntl(prototype, name)
    prototype = Object.getPrototypeOf(prototype)
  }
  return false
}

function isOfIntl(prototype, name) {
  return Intl[name.slice('Intl.'.length)]?.prototype === prototype
}

function isPrototypeOf(prototype, object) {
  return Object.prototype.isPrototypeOf.call(prototype, object)
}

/** Whether a Blob is a File, which has a name. */
function isFile(blob) {
  return typeof File === 'function' && blob instanceof File
}

module.exports = { KIND, classify, isFile, isDomException, refuseInterface }
