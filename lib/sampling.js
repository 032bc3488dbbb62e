'use strict'

/** How many documents are looked at. */
const SAMPLE_SIZE = 200
/** Fewer are not worth a look. */
const LEAST_DOCUMENTS = 32
/** Documents whose shapes are compared with those that are registered. */
const COMPARED = 4

/**
 * Registers the shapes of documents that are about to be written in bulk, so that the first ones,
 * too, are stored without their field names. Does nothing where the shapes are known.
 *
 * @param {import('./store-state').StoreState} state
 * @param {unknown[]} documents
 */
async function sampleShapes(state, documents) {
  if (documents.length < LEAST_DOCUMENTS) return
  const { shapes, keyReader } = state
  const path = state.generator === null ? null : (keyReader?.segments ?? null)
  if (documents.slice(0, COMPARED).every((document) => isKnown(shapes, document, path))) return
  let candidates
  try {
    candidates = shapes.sample(documents, path === null ? null : { path })
  } catch {
    // What is wrong with a document is said when it is encoded, with its position.
    return
  }
  await state.register(candidates)
}

/** Whether a document's own list of fields is registered. */
function isKnown(shapes, document, path) {
  if (typeof document !== 'object' || document === null) return true
  const keys = Object.keys(document)
  if (path !== null && !keys.includes(path[0])) keys.push(path[0])
  return shapes.trie.find(keys).id >= 0
}

module.exports = { sampleShapes, SAMPLE_SIZE }
