/** Reads what a run of tests reports in JUnit's format. */

/** @typedef {{ passed: number, failed: number, skipped: number }} Numbers */
/** @typedef {Numbers & { skips: { name: string, reason: string }[] }} Counts */

const NOTHING = Object.freeze({ passed: 0, failed: 0, skipped: 0 })

const TAG =
  /<(\/?)(testsuites|testsuite|testcase|failure|error|skipped)\b((?:"[^"]*"|[^">])*?)(\/?)>/g

/** An element of the report and what it holds. */
function parse(xml) {
  const document = { tag: 'document', name: '', message: '', children: [] }
  const open = [document]
  for (const [, end, tag, attributes, empty] of xml.matchAll(TAG)) {
    const parent = open.at(-1)
    if (end === '/') {
      open.pop()
      continue
    }
    const valueOf = (key) => new RegExp(`\\b${key}="([^"]*)"`).exec(attributes)?.[1] ?? ''
    const element = { tag, name: valueOf('name'), message: valueOf('message'), children: [] }
    parent.children.push(element)
    if (empty === '') open.push(element)
  }
  return document
}

/** Whether an element is of a kind, or holds one that is. */
function holds({ tag, children }, ...tags) {
  return tags.includes(tag) || children.some((child) => holds(child, ...tags))
}

/** The first reason for which something in an element was skipped; empty if none is given. */
function reasonOf({ tag, message, children }) {
  if (tag === 'skipped') return message
  return children.map(reasonOf).find((reason) => reason !== '') ?? ''
}

/** Whether everything in an element was skipped. */
function isSkipped({ tag, children }) {
  if (tag === 'testcase') return children.some((child) => child.tag === 'skipped')
  return children.length > 0 && children.every(isSkipped)
}

/**
 * The tests of a file that are not parts of others: the runtimes count those parts in different
 * ways. Node.js makes a suite of a test that has parts, Bun leaves parts out, and Deno lists them
 * beside the tests, as `test > part`.
 */
function outermost(kind, document) {
  const suites = document.children.flatMap(({ children }) => children)
  if (kind === 'node') return suites
  const tests = suites.flatMap(({ children }) => children)
  if (kind === 'bun') return tests
  const isPart = ({ name }) => tests.some((test) => name.startsWith(`${test.name} &gt; `))
  return tests.filter((test) => !isPart(test))
}

/**
 * Counts the tests of a report.
 *
 * @param {'node' | 'bun' | 'deno'} kind the runtime that has written it
 * @param {string} xml
 * @returns {Counts}
 */
export function countTests(kind, xml) {
  const counts = { ...NOTHING, skips: [] }
  for (const test of outermost(kind, parse(xml))) {
    if (holds(test, 'failure', 'error')) {
      counts.failed += 1
    } else if (isSkipped(test)) {
      counts.skipped += 1
      counts.skips.push({ name: test.name, reason: reasonOf(test) })
    } else {
      counts.passed += 1
    }
  }
  return counts
}

/**
 * The sum of counts.
 *
 * @param {Iterable<Numbers>} all
 * @returns {Numbers}
 */
export function sum(all) {
  const total = { ...NOTHING }
  for (const counts of all) for (const name of Object.keys(total)) total[name] += counts[name]
  return total
}
