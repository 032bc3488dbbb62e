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
  /** Whether no other process may be at work in the database. */
  alone?: boolean
  /** Whether nothing but these lanes may be at work. */
  quiet?: boolean
}

const ALL = ['strict', 'relaxed', 'none']
const PLAIN = ['one', 'two']
/** Those of commits that are in the journal. */
const JOURNALED = ['strict', 'relaxed']

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
    hits: 3,
    durabilities: ['strict', 'relaxed'],
  },
  {
    name: 'commit: before the meta page',
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
  {
    name: 'journal: inside a record',
    rule: 'kill-inside journal-write',
    lanes: [...PLAIN, 'bank'],
    hits: 60,
    durabilities: JOURNALED,
  },
  {
    name: 'journal: before its sync',
    rule: 'kill-before journal-sync',
    lanes: [...PLAIN, 'bank'],
    hits: 60,
    durabilities: ['strict'],
  },
  ...points(['journal-committed', 'journal-appended'], {
    lanes: [...PLAIN, 'bank'],
    hits: 60,
    durabilities: JOURNALED,
  }),
  // Writes that are acknowledged before their commit.
  ...points(['journal-changes', 'deferred'], {
    lanes: ['single'],
    hits: 150,
    durabilities: JOURNALED,
    alone: true,
    quiet: true,
  }),
  ...points(['journal-begun'], { lanes: [...PLAIN, 'bank'], hits: 1, durabilities: JOURNALED }),
  // A commit of many pages makes a checkpoint.
  ...points(['journal-data-synced', 'journal-checkpoint'], {
    lanes: ['large', 'scratch', 'schema', ...PLAIN],
    hits: 2,
    durabilities: JOURNALED,
  }),
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
