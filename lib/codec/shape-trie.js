'use strict'

const { MAX_SHAPE_FIELDS } = require('./tags')

/** Nodes of key lists that are only candidates; when there are more, all of them are forgotten. */
const MAX_CANDIDATE_NODES = 32768

/** One key list: the keys on the way from the root to here, in order. */
class ShapeNode {
  /** The shape's id, or -1. A field, so that no setter of Object.prototype is called. */
  id = -1

  constructor(permanent) {
    /** The first child and its key stand here, since most nodes have one. */
    this.key = undefined
    this.next = undefined
    /** @type {Map<string, ShapeNode> | null} further children */
    this.children = null
    /** @type {string[] | null} the shape's names */
    this.names = null
    /** Whether a registered shape is here or below. */
    this.permanent = permanent
    this.sightings = 0
    /** The document that this key list was last written into inline, and where. */
    this.document = null
    this.inlineAt = 0
  }

  /** The child under a key other than the first child's, or NO_NODE. */
  otherChild(key) {
    if (this.children === null) return NO_NODE
    const child = this.children.get(key)
    return child === undefined ? NO_NODE : child
  }

  child(key) {
    return this.key === key && this.next !== undefined ? this.next : this.otherChild(key)
  }

  addChild(key, node) {
    if (this.next === undefined) {
      this.key = key
      this.next = node
    } else {
      this.children ??= new Map()
      this.children.set(key, node)
    }
    return node
  }

  /** Drops every child that leads to no registered shape; returns those that stay. */
  prune() {
    const kept = []
    if (this.next !== undefined && this.next.permanent) kept.push([this.key, this.next])
    if (this.children !== null) {
      for (const entry of this.children) if (entry[1].permanent) kept.push(entry)
    }
    this.key = undefined
    this.next = undefined
    this.children = null
    this.sightings = 0
    for (const [key, node] of kept) this.addChild(key, node)
    return kept
  }
}

/** Stands for "no such key list". It has no id and no children. */
const NO_NODE = new ShapeNode(true)

/** Every registered key list and the candidates, as a trie over keys. */
class ShapeTrie {
  constructor() {
    this.root = new ShapeNode(true)
    this.candidates = 0
    /** @type {[number, string[]][]} shapes that are not in the trie yet: who reads needs none */
    this.registered = []
  }

  /** Has a shape in the trie from the next document on. */
  register(id, names) {
    this.registered.push([id, names])
  }

  /** Puts the shapes in that were registered. */
  catchUp() {
    for (const [id, names] of this.registered) {
      const node = this.place(names, true)
      if (node.id >= 0) continue
      node.id = id
      node.names = names
    }
    this.registered = []
  }

  /** The node of a key list, or NO_NODE. */
  find(keys) {
    if (this.registered.length > 0) this.catchUp()
    let node = this.root
    for (let i = 0; i < keys.length && node !== NO_NODE; i++) node = node.child(keys[i])
    return node
  }

  /**
   * The node of a candidate, made where there is none; `null` for lists that are no shape: empty,
   * too long, or beginning with an array index, as maps with numeric keys do.
   */
  insert(keys) {
    if (keys.length === 0 || keys.length > MAX_SHAPE_FIELDS || isIndexLike(keys[0])) return null
    if (this.registered.length > 0) this.catchUp()
    if (this.candidates + keys.length > MAX_CANDIDATE_NODES) this.forgetCandidates()
    return this.place(keys, false)
  }

  /** The node of a key list, made where there is none. */
  place(keys, permanent) {
    let node = this.root
    for (const key of keys) {
      let child = node.child(key)
      if (child === NO_NODE) {
        child = node.addChild(key, new ShapeNode(permanent))
        if (!permanent) this.candidates++
      } else if (permanent && !child.permanent) {
        child.permanent = true
        this.candidates--
      }
      node = child
    }
    return node
  }

  /**
   * Forgets candidates in time, so that it hardly ever happens within a document, whose objects
   * with equal keys share their names while these are remembered.
   */
  beginDocument() {
    if (this.registered.length > 0) this.catchUp()
    if (this.candidates > MAX_CANDIDATE_NODES / 2) this.forgetCandidates()
  }

  forgetCandidates() {
    const stack = [this.root]
    while (stack.length > 0) {
      for (const [, child] of stack.pop().prune()) stack.push(child)
    }
    this.candidates = 0
  }
}

/** Integer keys come first in every object, so the first key tells. */
function isIndexLike(key) {
  const unit = key.charCodeAt(0)
  return unit >= 0x30 && unit <= 0x39 && String(key >>> 0) === key
}

module.exports = { ShapeTrie, ShapeNode, NO_NODE, isIndexLike, MAX_CANDIDATE_NODES }
