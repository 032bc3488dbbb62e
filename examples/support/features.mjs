/** The documents of the tour: one for each feature of the web platform. */

import { createRequire } from 'node:module'

/** The browsers that most people use; a feature that works in all of them works everywhere. */
const MAIN_BROWSERS = ['chrome', 'edge', 'firefox', 'safari']

const MDN_DOCS = 'https://developer.mozilla.org/docs/'

/** Reads the data set `@mdn/browser-compat-data`. */
export function readDataSet() {
  return createRequire(import.meta.url)('@mdn/browser-compat-data')
}

/** Finds every feature: `[path, compat]`, where `path` are the names from the root to it. */
function* walk(node, path) {
  if (node.__compat !== undefined) yield [path, node.__compat]
  for (const [name, child] of Object.entries(node)) {
    if (!name.startsWith('__')) yield* walk(child, [...path, name])
  }
}

/**
 * The documents, in the order of the data set.
 *
 * @param {object} dataSet
 * @returns {object[]}
 */
export function featuresOf(dataSet) {
  const { browsers, ...areas } = dataSet
  const pages = new Set()
  return [...walk(areas, [])].map(([path, compat]) => toDocument(path, compat, browsers, pages))
}

function toDocument(path, compat, browsers, pages) {
  const support = currentSupport(compat.support)
  const document = {
    id: path.join('.'),
    area: path[0],
    name: path.at(-1),
    status: statusOf(compat.status),
    tags: compat.tags ?? [],
    specUrls: [compat.spec_url ?? []].flat(),
    sourceFile: compat.source_file,
    since: Object.fromEntries(support.map(({ browser, version }) => [browser, version.number])),
    browsers: support.map(({ browser }) => browser),
  }
  if (compat.description !== undefined) document.description = compat.description
  if (compat.mdn_url !== undefined) document.mdnUrl = compat.mdn_url
  const page = pageOf(compat.mdn_url)
  if (page !== undefined && !pages.has(page)) {
    pages.add(page)
    document.page = page
  }
  const everywhere = everywhereSince(support, browsers)
  if (everywhere !== undefined) document.everywhere = everywhere
  return document
}

/** The MDN page that documents a feature; sections of pages (`#…`) do not count. */
function pageOf(url) {
  return url?.startsWith(MDN_DOCS) && !url.includes('#') ? url.slice(MDN_DOCS.length) : undefined
}

function statusOf(status) {
  if (status?.deprecated) return 'deprecated'
  if (status?.experimental) return 'experimental'
  return status?.standard_track ? 'standard' : 'non-standard'
}

/** The browsers whose current version has the feature, without settings that must be changed. */
function currentSupport(support) {
  return Object.entries(support).flatMap(([browser, statements]) => {
    const [newest] = [statements].flat()
    const version = parseVersion(newest.version_added)
    const works = version !== undefined && !newest.version_removed && !newest.flags
    return works ? [{ browser, version }] : []
  })
}

/** '≤14.17.0' is at the latest version 14.17; false and 'preview' are none. */
function parseVersion(text) {
  if (typeof text !== 'string') return undefined
  const name = text.replace('≤', '')
  const number = Number.parseFloat(name)
  return Number.isNaN(number) ? undefined : { name, number }
}

/** The day on which the last of the main browsers got the feature. */
function everywhereSince(support, browsers) {
  const days = MAIN_BROWSERS.map((name) => {
    const version = support.find(({ browser }) => browser === name)?.version.name
    return browsers[name].releases[version]?.release_date
  })
  return days.includes(undefined) ? undefined : new Date(days.toSorted().at(-1))
}
