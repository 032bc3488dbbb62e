'use strict'

/** Whether a property key is an array index. */
function isIndexKey(key) {
  const index = key >>> 0
  return index !== 0xffffffff && String(index) === key
}

/**
 * The first index in use from `from` on, or `length`.
 *
 * @param {string[]} keys the array's own keys: its indices in ascending order, then other names
 */
function nextIndex(keys, from, length) {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (isIndexKey(keys[middle]) && Number(keys[middle]) < from) low = middle + 1
    else high = middle
  }
  const found = low < keys.length && isIndexKey(keys[low]) ? Number(keys[low]) : length
  return Math.min(found, length)
}

module.exports = { isIndexKey, nextIndex }
