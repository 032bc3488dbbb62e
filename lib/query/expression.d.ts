// Expressions: what is computed from a document.

declare const PARAMETER: unique symbol
declare const EXPRESSION: unique symbol

/** A value that is given when a prepared query runs. */
export interface Parameter {
  readonly [PARAMETER]: true
  readonly name: string
}

/** An expression as an object, such as `{ $multiply: ['$price', '$quantity'] }`. */
export type ExpressionObject = { readonly [operator: `$${string}`]: unknown }

/** An operand of an expression: another one, or a value, which is never taken for a field. */
export type Operand = unknown

/** Units of time. */
export type DateUnit =
  'year' | 'quarter' | 'month' | 'week' | 'day' | 'hour' | 'minute' | 'second' | 'millisecond'

/**
 * What is computed from a document, for `$expr` and updates. Immutable; each method writes one
 * operator of the expression language around it.
 */
export interface Expression {
  readonly [EXPRESSION]: true

  plus(...others: Operand[]): Expression
  minus(other: Operand): Expression
  times(...others: Operand[]): Expression
  dividedBy(other: Operand): Expression
  mod(other: Operand): Expression
  pow(exponent: Operand): Expression
  log(base: Operand): Expression
  abs(): Expression
  /** To so many decimals; 0 by default. */
  round(decimals?: Operand): Expression
  trunc(decimals?: Operand): Expression
  floor(): Expression
  ceil(): Expression
  sqrt(): Expression
  ln(): Expression
  log10(): Expression
  exp(): Expression

  eq(other: Operand): Expression
  ne(other: Operand): Expression
  gt(other: Operand): Expression
  gte(other: Operand): Expression
  lt(other: Operand): Expression
  lte(other: Operand): Expression
  /** −1, 0 or 1. */
  cmp(other: Operand): Expression
  and(...others: Operand[]): Expression
  or(...others: Operand[]): Expression
  not(): Expression
  /** The first that is neither missing nor null. */
  ifNull(...others: Operand[]): Expression

  concat(...others: Operand[]): Expression
  toUpper(): Expression
  toLower(): Expression
  trim(): Expression
  split(separator: Operand): Expression
  substr(start: Operand, length: Operand): Expression
  replaceAll(find: Operand, replacement: Operand): Expression
  /** How many characters a string has. */
  length(): Expression
  regexMatch(regex: Operand, options?: Operand): Expression

  /** How many elements an array has. */
  size(): Expression
  at(index: Operand): Expression
  slice(start: Operand, count?: Operand): Expression
  concatArrays(...others: Operand[]): Expression
  /** Whether it is an element of an array. */
  in(array: Operand): Expression
  indexOf(value: Operand): Expression
  reverse(): Expression
  isArray(): Expression
  /** The elements for which a condition holds; the condition names one by `expr.variable(as)`. */
  filter(as: string, condition: Operand): Expression
  map(as: string, value: Operand): Expression
  /** `value` names what there is so far by `expr.variable('value')`, and the element by 'this'. */
  reduce(initial: Operand, value: Operand): Expression
  /** Of an array, or of this and others. */
  sum(...others: Operand[]): Expression
  avg(...others: Operand[]): Expression
  min(...others: Operand[]): Expression
  max(...others: Operand[]): Expression

  dateAdd(unit: DateUnit, amount: Operand): Expression
  dateDiff(end: Operand, unit: DateUnit): Expression
  dateTrunc(unit: DateUnit): Expression
  dateToString(format: Operand): Expression
  year(): Expression
  month(): Expression
  dayOfMonth(): Expression
  dayOfWeek(): Expression
  dayOfYear(): Expression
  hour(): Expression
  minute(): Expression
  second(): Expression
  millisecond(): Expression

  /** The name of its type. */
  type(): Expression
  toString(): Expression & string
  toNumber(): Expression
  toDate(): Expression
  toBool(): Expression

  /** The same as a plain object. */
  toJSON(): unknown
}

/** Where expressions begin. */
export interface ExpressionBuilder {
  /** A field of the document; dots lead into objects. */
  field(path: string): Expression
  /** A variable: `'NOW'`, `'ROOT'`, or one that `filter`, `map` or `reduce` names. */
  variable(name: string): Expression
  /** A value as it is. */
  literal(value: unknown): Expression
  /** A value that `run` of a prepared query gives. */
  param(name: string): Parameter
  /** An array of expressions or values. */
  array(...items: Operand[]): Expression
  /** One of two, by a condition. */
  cond(condition: Operand, whenTrue: Operand, whenFalse: Operand): Expression
  /** The time at which the operation began. */
  now(): Expression
  /** An expression that is written as an object. */
  of(node: ExpressionObject): Expression
}

/**
 * Builds expressions.
 *
 * @example
 * await orders.find({ $expr: expr.field('paid').lt(expr.field('price').times(expr.field('n'))) })
 */
export const expr: ExpressionBuilder
