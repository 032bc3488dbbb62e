/** The named points at which writers are killed, and what a writer does to come there. */

/** A point. */
export interface Point {
  name: string
  /** The lanes that lead there. */
  lanes: string[]
  /** The process dies when it is there for the n-th time, n being at most this. */
  hits: number
  /** A rule of the preload library (see `tests/preload/io.h`) instead of a point of the engine. */
  rule?: string
  durabilities?: string[]
  /** So that the map has to grow. */
  mapSize?: number
  /** Whether another process may be at work in the database, too. */
  alone?: boolean
}

const ALL = ['strict', 'relaxed', 'none']
const PLAIN = ['one', 'two']

/** What several points have in common. */
function points(names: string[], common: Omit<Point, 'name'>): Point[] {
  return names.map((name) => ({ name, ...common }))
}

/**
 * Inside LMDB's commit, where the preload library kills; everywhere else `fault::point` of the
 * engine does, under the same name.
 */
export const POINTS: readonly Point[] = [
  {
    name: 'commit: before the data sync',
    rule: 'kill-before data-sync',
    lanes: [...PLAIN, 'bank'],
    hits: 60,
    durabilities: ['strict', 'relaxed'],
  },
  {
    name: 'commit: between the syncs',
    rule: 'kill-before meta-write',
    lanes: [...PLAIN, 'bank'],
    hits: 60,
    durabilities: ['strict'],
  },
  {
    name: 'commit: inside the meta page',
    rule: 'kill-inside meta-write',
    lanes: [...PLAIN, 'bank'],
    hits: 60,
  },
  {
    name: 'commit: after the meta page',
    rule: 'kill-after meta-write',
    lanes: [...PLAIN, 'bank'],
    hits: 60,
  },
  ...points(['commit-end'], { lanes: [...PLAIN, 'numbered'], hits: 40 }),
  ...points(['sweep-step', 'sweep-end'], { lanes: ['scratch', 'schema'], hits: 3 }),
  ...points(['index-build-begin', 'index-build-between', 'index-build-step', 'index-build-end'], {
    lanes: ['schema', ...PLAIN],
    hits: 2,
  }),
  ...points(['savepoint-begin', 'savepoint-release', 'savepoint-released', 'savepoint-rollback'], {
    lanes: ['bank', 'one'],
    hits: 12,
  }),
  ...points(['map-growth-begin', 'map-growth-end'], {
    lanes: ['large', 'scratch', 'one'],
    hits: 1,
    mapSize: 1 << 20,
  }),
  ...points(['backup-copy', 'backup-copied', 'backup-renamed'], {
    lanes: ['backup', 'bank', 'one'],
    hits: 2,
  }),
  ...points(
    ['compact-copy', 'compact-copied', 'compact-closed', 'compact-renamed', 'compact-end'],
    { lanes: ['compact', 'bank', 'one'], hits: 2, alone: true },
  ),
]

/** The durabilities that a writer may have on its way to a point. */
export function durabilitiesOf(point: Point | undefined): readonly string[] {
  return point?.durabilities ?? ALL
}
