// Paths into documents, and the types of what stands there.

/** What has no fields that a path could lead into. */
type Leaf =
  | string
  | number
  | bigint
  | boolean
  | symbol
  | null
  | undefined
  | Date
  | RegExp
  | Error
  | Blob
  | ArrayBuffer
  | ArrayBufferView
  | ReadonlyMap<unknown, unknown>
  | ReadonlySet<unknown>
  | ((...args: never) => unknown)

/** One level less; paths are typed for five. */
type Less = [never, never, 1, 2, 3, 4]

/** Whether nothing is known about a document's fields: any, unknown, or any names. */
export type IsFree<T> = 0 extends 1 & T
  ? true
  : unknown extends T
    ? true
    : string extends keyof T
      ? true
      : false

/**
 * The dotted paths of a document: fields, fields of fields, elements of arrays by their index, and
 * the fields of objects in arrays. Documents of which nothing is known have any.
 */
export type Path<T> = IsFree<T> extends true ? string : PathWithin<T, 5>

type PathWithin<T, Depth extends number> = [Depth] extends [never]
  ? never
  : T extends Leaf
    ? never
    : T extends readonly (infer Element)[]
      ? `${number}` | Behind<`${number}`, Element, Less[Depth]>
      : {
          [Name in keyof T & string]-?: Name | Behind<Name, NonNullable<T[Name]>, Less[Depth]>
        }[keyof T & string]

/** The paths that lead through a field. */
type Behind<Name extends string, Value, Depth extends number> = [Depth] extends [never]
  ? never
  : IsFree<Value> extends true
    ? `${Name}.${string}`
    : Value extends readonly (infer Element)[]
      ? | `${Name}.${number}`
        | Behind<Name, NonNullable<Element>, Less[Depth]>
        | Behind<`${Name}.${number}`, NonNullable<Element>, Less[Depth]>
      : `${Name}.${PathWithin<Value, Depth>}`

/** The type of what stands at a path; through arrays, of what each element has there. */
export type ValueAt<T, P extends string> =
  IsFree<T> extends true ? any : T extends unknown ? ValueIn<T, P> : never

type ValueIn<T, P extends string> = T extends Leaf
  ? never
  : T extends readonly (infer Element)[]
    ? P extends `${number}`
      ? Element
      : P extends `${number}.${infer Rest}`
        ? ValueAt<NonNullable<Element>, Rest>
        : ValueAt<NonNullable<Element>, P>
    : P extends keyof T
      ? T[P]
      : P extends `${infer Name}.${infer Rest}`
        ? Name extends keyof T
          ? ValueAt<NonNullable<T[Name]>, Rest>
          : never
        : never

/** The fields of a document that are kept when some paths are selected. */
export type Selected<T, P extends string> =
  IsFree<T> extends true ? any : T extends unknown ? SelectedOf<T, P> : never

type SelectedOf<T, P extends string> = T extends Leaf
  ? T
  : T extends readonly (infer Element)[]
    ? Selected<Element, P>[]
    : {
        [Name in keyof T as Name extends FirstOf<P> ? Name : never]: Name extends P
          ? T[Name]
          : Selected<T[Name], RestOf<P, Name & string>>
      }

type FirstOf<P extends string> = P extends `${infer Name}.${string}` ? Name : P
type RestOf<P extends string, Name extends string> = P extends `${Name}.${infer Rest}`
  ? Rest
  : never
