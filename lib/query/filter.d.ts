// Filters: what a document has to be.

import type { Condition } from './conditions'
import type { Expression, ExpressionObject, Parameter } from './expression'
import type { DiversityOptions, VectorLike } from './nearest'
import type { IsFree, Path, ValueAt } from './paths'

/** The names of types, for `$type`. */
export type TypeName =
  | 'number'
  | 'double'
  | 'int'
  | 'long'
  | 'string'
  | 'object'
  | 'array'
  | 'binData'
  | 'undefined'
  | 'bool'
  | 'date'
  | 'null'
  | 'regex'

type Binary = ArrayBuffer | ArrayBufferView

/** What a value may be compared with: numbers and BigInts are one kind, as is binary data. */
type Comparable<V> = V extends number | bigint
  ? number | bigint
  : V extends string
    ? string
    : V extends boolean
      ? boolean
      : V extends Binary
        ? Binary
        : V

/** What a value may be equal to. */
type Equal<V> =
  | V
  | (V extends number ? bigint : never)
  | (V extends bigint ? number : never)
  | (V extends Binary ? Binary : never)

/** A value itself, or, of an array, each of its elements, too. */
type EachOf<V> = V extends readonly (infer Element)[] ? V | Element : V

/** The elements of an array. */
type ElementOf<V> = V extends readonly (infer Element)[] ? Element : never

/** What a field may be equal to: its value, an element of it, or null for what is missing. */
export type EqualTo<V> = Equal<EachOf<V>> | null

/** What a field may be less or greater than. */
export type ComparedWith<V> = Comparable<Exclude<EachOf<V>, undefined>> | null

interface EqualityOperators<V, X> {
  /** Equal; numbers by value, −0 as 0, NaN as NaN. `null` is missing fields, too. */
  $eq?: EqualTo<V> | X | undefined
  /** Not `$eq`. */
  $ne?: EqualTo<V> | X | undefined
  /** `$eq` to one of them, or matching one that is a regular expression. */
  $in?: readonly (EqualTo<V> | RegExp | X)[] | X | undefined
  /** Not `$in`. */
  $nin?: readonly (EqualTo<V> | RegExp | X)[] | X | undefined
  /** Whether the field is there, be it null. */
  $exists?: boolean | X | undefined
  /** Of this type, or one of these. */
  $type?: TypeName | number | readonly (TypeName | number)[] | X | undefined
  /** The complement. */
  $not?: Operators<V, X> | RegExp | undefined
}

interface OrderOperators<V, X> {
  /** Greater, among values of one type. */
  $gt?: ComparedWith<V> | X | undefined
  $gte?: ComparedWith<V> | X | undefined
  $lt?: ComparedWith<V> | X | undefined
  $lte?: ComparedWith<V> | X | undefined
  /** From the first to the second, both included. */
  $between?: readonly [ComparedWith<V> | X, ComparedWith<V> | X] | X | undefined
}

interface StringOperators<X> {
  /** A regular expression, without look-around and back-references. */
  $regex?: string | RegExp | X | undefined
  /** Flags of `$regex`: i, m, s, x, u. */
  $options?: string | X | undefined
  /** As in SQL: `%` is any text, `_` any character, `\` takes them literally. */
  $like?: string | X | undefined
  /** `$like` in any case. */
  $ilike?: string | X | undefined
  $notLike?: string | X | undefined
  $startsWith?: string | X | undefined
  $contains?: string | X | undefined
  $endsWith?: string | X | undefined
}

interface NumberOperators<X> {
  /** `[divisor, remainder]`. */
  $mod?: readonly [number | X, number | X] | X | undefined
  /** Bits by a mask, or by their positions. */
  $bitsAllSet?: number | bigint | readonly number[] | X | undefined
  $bitsAllClear?: number | bigint | readonly number[] | X | undefined
  $bitsAnySet?: number | bigint | readonly number[] | X | undefined
  $bitsAnyClear?: number | bigint | readonly number[] | X | undefined
}

interface ArrayOperators<Element, X> {
  /** Each of these is an element. */
  $all?:
    | readonly (EqualTo<Element> | RegExp | { $elemMatch: ElementFilter<Element, X> } | X)[]
    | X
    | undefined
  /** So many elements. */
  $size?: number | X | undefined
  /** One element is all of this. */
  $elemMatch?: ElementFilter<Element, X> | undefined
}

/** What an element has to be: operators, or a filter of objects. */
type ElementFilter<Element, X> =
  Operators<Element, X> | (Element extends object ? TypedFilter<Element, X> : never)

type Has<V, Kind, Yes> = [Extract<EachOf<V>, Kind>] extends [never] ? unknown : Yes

/** The operators that a field of a type takes. */
export type Operators<V, X = never> =
  IsFree<V> extends true
    ? FreeOperators
    : EqualityOperators<V, X> &
        OrderOperators<V, X> &
        Has<V, string, StringOperators<X>> &
        Has<V, number | bigint | Binary, NumberOperators<X>> &
        ([ElementOf<V>] extends [never] ? unknown : ArrayOperators<ElementOf<V>, X>)

interface FreeOperators
  extends
    EqualityOperators<any, any>,
    OrderOperators<any, any>,
    StringOperators<any>,
    NumberOperators<any>,
    ArrayOperators<any, any> {}

/** A search for the documents nearest to a vector, of those that pass the rest of the filter. */
export interface VectorSearch<X = never> {
  /** The vector index. */
  index: string | X
  /** The vector to search for. */
  query: VectorLike | X
  /** Documents at most, before `skip` and `limit`. Default: 10. */
  k?: number | X | undefined
  /** Leave out documents that are further away. Default: any distance. */
  maxDistance?: number | X | undefined
  /** As for `nearest`. */
  efSearch?: number | X | undefined
  /** As for `nearest`. */
  exact?: boolean | X | undefined
  /** As for `nearest`. */
  mmr?: DiversityOptions | X | undefined
}

interface LogicalOperators<T, X> {
  /**
   * The documents nearest to a vector, nearest first unless the query has a sort. It stands beside
   * the fields of a query's filter, or in an `$and` there, and nowhere else.
   */
  $vector?: VectorSearch<X> | undefined
  $and?: readonly TypedFilter<T, X>[] | undefined
  $or?: readonly TypedFilter<T, X>[] | undefined
  $nor?: readonly TypedFilter<T, X>[] | undefined
  /** An expression that has to be true. */
  $expr?: Expression | ExpressionObject | undefined
  $comment?: string | undefined
}

type TypedFilter<T, X> =
  IsFree<T> extends true
    ? { readonly [field: string]: any }
    : LogicalOperators<T, X> & {
        readonly [P in Path<T>]?:
          | EqualTo<ValueAt<T, P>>
          | Operators<ValueAt<T, P>, X>
          | (Extract<EachOf<ValueAt<T, P>>, string> extends never ? never : RegExp)
          | X
          | undefined
      }

/**
 * What documents have to be, in MongoDB's words: `{ age: { $gt: 20 }, 'address.city': 'Paris' }`.
 * docs/query-contract.md has every operator.
 */
export type Filter<T = any> = TypedFilter<T, never>

/** A filter with parameters, for `prepare`. */
export type PreparedFilter<T = any> = TypedFilter<T, Parameter>

/** What `find` takes: a filter, `where(…)`, or an expression that has to be true. */
export type FilterLike<T = any> = Filter<T> | Condition | Expression
