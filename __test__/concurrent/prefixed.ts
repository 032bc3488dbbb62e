/** Databases of which one user among several sees its own stores and spaces alone. */

import { open } from '../../index.js'

type Scope = Record<string, any>

/** What is not as it is in the database itself. */
function changed(scope: Scope, prefix: string): Record<string, unknown> {
  const wrap = (inner: Scope): Scope => seenThrough(inner, prefix)
  const own = (names: string[]): string[] =>
    names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length))
  const named =
    (method: string) =>
    (name: string, ...rest: unknown[]): unknown =>
      scope[method](prefix + name, ...rest)
  const withScope =
    (method: string) =>
    (run: (inner: Scope) => unknown, ...rest: unknown[]): unknown =>
      scope[method]((inner: Scope) => run(wrap(inner)), ...rest)
  const giving =
    (method: string) =>
    (...rest: unknown[]): Promise<Scope> =>
      scope[method](...rest).then(wrap)
  return {
    get storeNames() {
      return own(scope.storeNames)
    },
    store: named('store'),
    createObjectStore: named('createObjectStore'),
    deleteObjectStore: named('deleteObjectStore'),
    renameObjectStore: (name: string, newName: string) =>
      scope.renameObjectStore(prefix + name, prefix + newName),
    createIndex: named('createIndex'),
    deleteIndex: named('deleteIndex'),
    renameIndex: named('renameIndex'),
    transaction: withScope('transaction'),
    savepoint: withScope('savepoint'),
    begin: giving('begin'),
    snapshot: giving('snapshot'),
    spaces: () => scope.spaces().then(own),
    deleteSpace: named('deleteSpace'),
  }
}

function seenThrough(scope: Scope, prefix: string): Scope {
  const others = changed(scope, prefix)
  return new Proxy(scope, {
    get(target, name) {
      if (Object.hasOwn(others, name)) return others[name as string]
      const value = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

/** `open`, for one user of a database. */
export function openPrefixed(prefix: string): (path: string, options?: any) => Promise<any> {
  return async (path, options = {}) => {
    const { space } = options
    const own = space === undefined ? options : { ...options, space: prefix + space }
    return seenThrough((await open(path, own)) as Scope, prefix)
  }
}
