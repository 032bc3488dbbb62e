/**
 * Where mingo means something else than MongoDB: docs/query-contract.md lists each with its reason,
 * by the same letters.
 */

interface Found {
  /** What stands at a path; undefined if nothing does. */
  values: unknown[]
  /** Whether an array is on the way. */
  throughArray: boolean
  /** Whether an array in an array is. */
  throughNested: boolean
}

type Rule = (operand: any, found: Found, path: string) => boolean

const isArray = Array.isArray
const isObject = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && !(value instanceof Date)
const isNullish = (value: unknown): boolean => value == null
const hasArray = (values: unknown[]): boolean => values.some(isArray)
const isIndexed = (path: string): boolean => /\.\d/.test(path)

/** A: null and missing fields at paths through arrays. */
const nullThroughArray = (operand: unknown, { throughArray }: Found, path: string): boolean =>
  isNullish(operand) && (throughArray || isIndexed(path))

/** B: equality with an array as a whole, at paths through arrays and in lists. */
const wholeArray = (operand: unknown, { values, throughArray }: Found): boolean =>
  isArray(operand) && (throughArray || hasArray(values))

/** C: order among arrays and objects. */
const orderOfContainers: Rule = (operand, { values }) =>
  isArray(operand) || (isObject(operand) && values.flat().some(isObject))

/** D: `$lte: null` and `$gte: null` on missing fields. */
const orderOfNull: Rule = (operand) => isNullish(operand)

/** E: bits and remainders of what is no number. */
const notOfNumbers: Rule = (_, { values, throughArray }) =>
  throughArray || values.some((value) => typeof value !== 'number' || !Number.isInteger(value))

const equality: Rule = (operand, found, path) =>
  nullThroughArray(operand, found, path) || wholeArray(operand, found)

const list: Rule = (operand, found, path) =>
  operand.some((item: unknown) => equality(item, found, path) || isArray(item))

const order: Rule = (operand, found, path) =>
  orderOfContainers(operand, found, path) || orderOfNull(operand, found, path)

const RULES: Record<string, Rule> = {
  $eq: equality,
  $ne: equality,
  $in: list,
  $nin: list,
  // F: $all on what is no array, and of nested arrays.
  $all: (operand, found, path) => list(operand, found, path) || !found.values.every(isArray),
  $gt: order,
  $gte: order,
  $lt: order,
  $lte: order,
  $mod: notOfNumbers,
  $bitsAllSet: notOfNumbers,
  $bitsAnySet: notOfNumbers,
  $bitsAllClear: notOfNumbers,
  // G: the type of elements.
  $type: (_, { values, throughArray }) => throughArray || hasArray(values),
  // H: sizes and elements at paths through arrays.
  $size: (_, { throughArray }) => throughArray,
  $exists: (_, { throughArray }, path) => throughArray || isIndexed(path),
}

/** Whether a filter asks something of a document on which mingo and MongoDB differ. */
export function isKnownDifference(filter: object, document: object): boolean {
  return Object.entries(filter).some(([name, value]) => {
    if (name.startsWith('$')) {
      return value.some((inner: object) => isKnownDifference(inner, document))
    }
    return differsAt(value, lookUp(document, name), name)
  })
}

/** J: arrays in arrays, be it by a path. */
const isNested = ({ values, throughArray, throughNested }: Found): boolean =>
  throughNested || hasArray(throughArray ? values : values.filter(isArray).flat())

function differsAt(condition: any, found: Found, path: string): boolean {
  if (isNested(found)) return true
  const names = isObject(condition) && !isArray(condition) ? Object.keys(condition) : []
  if (!names[0]?.startsWith('$')) return equality(condition, found, path)
  return names.some((name) => {
    const operand = condition[name]
    if (name === '$not') return differsAt(operand, found, path)
    if (name === '$elemMatch') return differsInElements(operand, found)
    return RULES[name]?.(operand, found, path) ?? false
  })
}

function differsInElements(operand: object, found: Found): boolean {
  const { values, throughArray } = found
  if (throughArray || isNested(found)) return true
  const elements = values.filter(isArray).flat()
  const isOfFields = !Object.keys(operand)[0]?.startsWith('$')
  if (!isOfFields) {
    return elements.some((element) =>
      differsAt(operand, { values: [element], throughArray: false, throughNested: false }, ''),
    )
  }
  // I: fields of elements that are no objects.
  return elements.some(
    (element) => !isObject(element) || isArray(element) || isKnownDifference(operand, element),
  )
}

/** What stands at a path, in the document and in the objects of arrays on the way. */
function lookUp(document: unknown, path: string): Found {
  const found: Found = { values: [], throughArray: false, throughNested: false }
  const walk = (value: any, names: string[]): void => {
    const [name, ...rest] = names
    if (name === undefined) {
      found.values.push(value)
    } else if (isArray(value)) {
      found.throughArray = true
      if (hasArray(value)) found.throughNested = true
      if (/^\d+$/.test(name)) walk(value[Number(name)], rest)
      for (const element of value) if (isObject(element)) walk(element, names)
    } else {
      walk(isObject(value) ? value[name] : undefined, rest)
    }
  }
  walk(document, path.split('.'))
  return found
}
