/** Kills processes that write vectors, and checks what searches find afterwards. */

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as later } from 'node:timers/promises'
import { Child } from '../support/child'
import { count, type Counts, type KillOptions } from '../support/kills'
import { Random } from '../support/random'
import { check, checkEach, graphFiles, isBuilt, openKept, put, range, type Model } from './kept'
import { KEYS, KINDS, type Work } from './kill-writer'

const WRITER = join(__dirname, 'kill-writer.ts')

/** Where writers are killed, besides random moments. */
const POINTS = [
  'graph-file-created',
  'graph-file-written',
  'graph-file-synced',
  'graph-file-named',
] as const

/** Writers that are killed at a random moment live so long, in milliseconds. */
const LIFE = 1_200

/** What came of it. */
export interface Outcomes {
  /** How often writers were killed at each point, and at random moments. */
  places: Counts
  /** How often a graph was read from its file afterwards, and how often it was built anew. */
  read: number
  builtAnew: number
  /** Vectors that were read, and those that were then added, since they are newer. */
  fromFile: number
  added: number
  /** How long opening and bringing the graph up to date took at most, in milliseconds. */
  longest: number
}

class Kills {
  readonly outcomes: Outcomes = {
    places: {},
    read: 0,
    builtAnew: 0,
    fromFile: 0,
    added: 0,
    longest: 0,
  }
  readonly random: Random

  constructor(
    private readonly options: KillOptions,
    private readonly directory: string,
  ) {
    this.random = new Random(options.seed)
  }

  async prepare(): Promise<void> {
    for (const [name, options] of Object.entries(KINDS)) {
      const db = await openKept(join(this.directory, name), options)
      await put(this.random, db.store('docs'), new Map(), range(0, KEYS / 2))
      await db.close()
    }
  }

  /** Starts a writer, and lets it die. */
  private async kill(work: Work, point: string | undefined): Promise<void> {
    const { library } = this.options
    const env: Record<string, string> =
      library === undefined ? {} : { NAPI_RS_NATIVE_LIBRARY_PATH: library }
    if (point !== undefined) env.LODESTORE_FAULT = `kill:${point}:${this.random.between(1, 2)}`
    const writer = new Child(WRITER, [], { env, quick: true })
    writer.say(work)
    const begun = await writer.nextOrEnd<{ begins?: true; failure?: string }>()
    assert.equal(begun?.failure, undefined)
    if (point === undefined) {
      await Promise.race([later(this.random.below(LIFE)), writer.ended])
      await writer.kill()
    }
    const { stderr } = await writer.ended
    const said = await writer.rest<{ failure?: string }>()
    assert.equal(said.find(({ failure }) => failure !== undefined)?.failure, undefined)
    if (point !== undefined) {
      assert.match(stderr, new RegExp(`lodestore: fault: ${point}`), 'the point was not met')
    }
  }

  async round(number: number): Promise<void> {
    const kinds = Object.keys(KINDS) as Work['kind'][]
    const kind = kinds[number % kinds.length]!
    const path = join(this.directory, kind)
    const turn = Math.floor(number / kinds.length)
    const isAtPoint = this.options.library !== undefined && turn % 2 === 0
    const point = isAtPoint ? POINTS[(turn / 2) % POINTS.length] : undefined
    const place = point ?? 'a random moment'
    try {
      await this.kill({ path, kind, seed: this.random.below(2 ** 32) }, point)
      await this.verify(path, KINDS[kind])
    } catch (error) {
      throw new Error(`${kind}, ${place}`, { cause: error })
    }
    count(this.outcomes.places, place)
  }

  /** Everything that is there is found, and nothing else; whatever there was of files. */
  private async verify(path: string, options: object): Promise<void> {
    const begun = performance.now()
    const db = await openKept(path, options)
    const warnings: unknown[] = []
    db.on('warning', (warning: unknown) => warnings.push(warning))
    try {
      assert.ok((await graphFiles(path)).length <= 1, 'what has no name is removed')
      const docs = db.store('docs') as any
      const told = await isBuilt(this.random, docs)
      this.outcomes.longest = Math.max(this.outcomes.longest, performance.now() - begun)
      const [fromFile, inGraph] = [told.fromFile!, told.inGraph!]
      this.outcomes[fromFile > 0 ? 'read' : 'builtAnew']++
      this.outcomes.fromFile += fromFile
      this.outcomes.added += inGraph - fromFile
      const model: Model = new Map()
      for (const document of await docs.getAll()) model.set(document.id, document)
      assert.ok(inGraph >= model.size)
      await check(this.random, docs, model)
      await checkEach(docs, model)
      const { findings } = await db.verify({ level: 'full' })
      assert.deepEqual(findings, [])
      // A file that a record names is there, whenever the process was killed.
      assert.deepEqual(warnings, [])
    } finally {
      await db.close()
    }
  }
}

/** Kills so many processes; throws, naming the round, if something is not found as it should be. */
export async function killWriters(options: KillOptions): Promise<Outcomes> {
  const directory = await mkdtemp(join(tmpdir(), 'lodestore-vector-kills-'))
  const kills = new Kills(options, directory)
  let number = 0
  try {
    await kills.prepare()
    for (; number < options.rounds; number++) {
      await kills.round(number)
      options.onRound?.(number + 1)
    }
    return kills.outcomes
  } catch (error) {
    throw new Error(`LODESTORE_SEED=${options.seed}, round ${number}`, { cause: error })
  } finally {
    await rm(directory, { recursive: true, force: true, maxRetries: 3 })
  }
}
