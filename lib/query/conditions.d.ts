// Conditions that are put together as in SQL.

import type { Expression } from './expression'
import type { ComparedWith, EqualTo, FilterLike } from './filter'
import type { Path, ValueAt } from './paths'

type AnyCase<S extends string> = S | Lowercase<S>

/** Operators of `where`, in any case. */
export type WhereOperator = AnyCase<
  | '='
  | '!='
  | '<>'
  | '>'
  | '>='
  | '<'
  | '<='
  | 'IN'
  | 'NOT IN'
  | 'BETWEEN'
  | 'NOT BETWEEN'
  | 'LIKE'
  | 'NOT LIKE'
  | 'ILIKE'
  | 'NOT ILIKE'
  | 'IS'
  | 'IS NOT'
>

/** What stands on the right of an operator. */
export type OperandOf<Operator extends string, V> =
  Uppercase<Operator> extends 'IN' | 'NOT IN'
    ? readonly EqualTo<V>[]
    : Uppercase<Operator> extends 'BETWEEN' | 'NOT BETWEEN'
      ? readonly [ComparedWith<V>, ComparedWith<V>]
      : Uppercase<Operator> extends `${string}LIKE`
        ? string
        : Uppercase<Operator> extends '>' | '>=' | '<' | '<='
          ? ComparedWith<V>
          : EqualTo<V>

/**
 * Conditions that are put together as in SQL: those of `where` all have to hold, and an `or` begins
 * an alternative to all of them, as `a AND b OR c AND d` does. Each method gives a new object.
 *
 * Conditions that are wrong are INVALID_QUERY or INVALID_ARGUMENT at once, or when the query runs.
 */
export interface Conditions<Document = any> {
  /** Another condition that has to hold. */
  where<P extends Path<Document>>(field: P, value: EqualTo<ValueAt<Document, P>>): this
  where<P extends Path<Document>, O extends WhereOperator>(
    field: P,
    operator: O,
    value: OperandOf<O, ValueAt<Document, P>>,
  ): this
  where(condition: FilterLike<Document>): this

  /** The same, for conditions in parentheses: `condition(where(…).or(…))`. */
  condition(condition: FilterLike<Document>): this

  /** An alternative: the condition given, or what the following `where` says. */
  or(): this
  or<P extends Path<Document>>(field: P, value: EqualTo<ValueAt<Document, P>>): this
  or<P extends Path<Document>, O extends WhereOperator>(
    field: P,
    operator: O,
    value: OperandOf<O, ValueAt<Document, P>>,
  ): this
  or(condition: FilterLike<Document>): this

  /** An alternative. */
  orWhere<P extends Path<Document>>(field: P, value: EqualTo<ValueAt<Document, P>>): this
  orWhere<P extends Path<Document>, O extends WhereOperator>(
    field: P,
    operator: O,
    value: OperandOf<O, ValueAt<Document, P>>,
  ): this
  orWhere(condition: FilterLike<Document>): this

  whereEqual<P extends Path<Document>>(field: P, value: EqualTo<ValueAt<Document, P>>): this
  whereNotEqual<P extends Path<Document>>(field: P, value: EqualTo<ValueAt<Document, P>>): this
  whereGreaterThan<P extends Path<Document>>(
    field: P,
    value: ComparedWith<ValueAt<Document, P>>,
  ): this
  whereGreaterThanOrEqualTo<P extends Path<Document>>(
    field: P,
    value: ComparedWith<ValueAt<Document, P>>,
  ): this
  whereLessThan<P extends Path<Document>>(field: P, value: ComparedWith<ValueAt<Document, P>>): this
  whereLessThanOrEqualTo<P extends Path<Document>>(
    field: P,
    value: ComparedWith<ValueAt<Document, P>>,
  ): this
  whereIn<P extends Path<Document>>(
    field: P,
    values: readonly EqualTo<ValueAt<Document, P>>[],
  ): this
  whereNotIn<P extends Path<Document>>(
    field: P,
    values: readonly EqualTo<ValueAt<Document, P>>[],
  ): this
  /** From one value to another, both included. */
  whereBetween<P extends Path<Document>>(
    field: P,
    low: ComparedWith<ValueAt<Document, P>>,
    high: ComparedWith<ValueAt<Document, P>>,
  ): this
  /** Missing or null. */
  whereNull(field: Path<Document>): this
  whereNotNull(field: Path<Document>): this
  whereLike(field: Path<Document>, pattern: string): this
  whereNotLike(field: Path<Document>, pattern: string): this
  whereContains(field: Path<Document>, text: string): this
  whereNotContains(field: Path<Document>, text: string): this
  whereStartsWith(field: Path<Document>, text: string): this
  whereEndsWith(field: Path<Document>, text: string): this
  /** Missing, null, or an empty string, array or object. */
  whereEmpty(field: Path<Document>): this
  whereNotEmpty(field: Path<Document>): this

  /** The filter that the conditions mean. */
  toFilter(): { [field: string]: unknown }
}

declare const CONDITION: unique symbol

/** Conditions by themselves, for `condition`, `where` and `find`. */
export interface Condition extends Conditions {
  readonly [CONDITION]: true
}

/**
 * Begins a condition.
 *
 * @example
 * await users.query().where('age', '>', 20).condition(where('city', 'Paris').or('vip', true))
 */
export function where(field: string, value: unknown): Condition
export function where(field: string, operator: WhereOperator, value: unknown): Condition
export function where(
  condition: { readonly [field: string]: unknown } | Condition | Expression,
): Condition
