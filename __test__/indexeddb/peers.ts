/** The other end of `peer.ts`. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { Worker } from 'node:worker_threads'
import { soon } from '../support/check'
import { Child } from '../support/child'

const PROGRAM = join(__dirname, 'peer.ts')
const THREAD = join(__dirname, '..', 'support', 'thread.mjs')

interface Message {
  id?: number
  result?: any
  failure?: { name: string; message: string }
  event?: string
  versions?: [number, number | null]
}

/** Somebody else who has the databases of a path open. */
abstract class Peer {
  private readonly answers = new Map<number, (message: Message) => void>()
  private readonly events: Message[] = []
  private wake: (() => void) | undefined
  private count = 0

  protected abstract send(message: unknown): void
  abstract end(): Promise<void>
  /** Ends it at once, whatever it does. */
  abstract kill(): Promise<void>

  protected hear(message: Message): void {
    if (message.id === undefined) {
      this.events.push(message)
      this.wake?.()
    } else {
      this.answers.get(message.id)?.(message)
    }
  }

  /** What it was told to do has no result any more. */
  protected ended(): void {
    const failure = { name: 'Error', message: 'the peer has ended' }
    for (const answer of this.answers.values()) answer({ failure })
  }

  /** Has it do something, and waits for the result. */
  do(order: string, ...args: unknown[]): Promise<any> {
    const id = ++this.count
    const answered = new Promise<Message>((resolve) => this.answers.set(id, resolve))
    this.send({ id, order, args })
    const result = answered.then(({ result: value, failure }) => {
      if (failure === undefined) return value
      throw Object.assign(new Error(failure.message), { name: failure.name })
    })
    // It may fail before the test waits for it.
    result.catch(() => {})
    return soon(order, result)
  }

  /** The next event that it tells of; fails if it is another one. */
  async event(name: string): Promise<[number, number | null] | undefined> {
    while (this.events.length === 0) {
      await soon(
        name,
        new Promise<void>((resolve) => {
          this.wake = resolve
        }),
      )
    }
    const { event, versions } = this.events.shift()!
    assert.equal(event, name)
    return versions
  }

  /** The events that it has told of and the test has not asked for. */
  takeEvents(): string[] {
    return this.events.splice(0).map(({ event }) => event!)
  }

  /** The versions of the upgrades among them. */
  takeUpgrades(): [number, number][] {
    const upgrades = this.events.splice(0).filter(({ event }) => event === 'upgradeneeded')
    return upgrades.map(({ versions }) => versions as [number, number])
  }
}

class Process extends Peer {
  private readonly child: Child

  constructor(path: string) {
    super()
    this.child = new Child(PROGRAM, [path], { quick: true })
    void this.listen()
  }

  private async listen(): Promise<void> {
    for (;;) {
      const message = await this.child.nextOrEnd<Message>()
      if (message === undefined) break
      this.hear(message)
    }
    this.ended()
  }

  protected send(message: unknown): void {
    this.child.say(message)
  }

  async end(): Promise<void> {
    this.child.say('end')
    const { code, stderr } = await soon('the end of a process', this.child.ended)
    assert.deepEqual([code, stderr], [0, ''])
  }

  async kill(): Promise<void> {
    await this.child.kill()
  }
}

class Thread extends Peer {
  private readonly worker: Worker
  private readonly exited: Promise<unknown>

  constructor(path: string) {
    super()
    this.worker = new Worker(THREAD, { workerData: { file: PROGRAM, path } })
    this.exited = once(this.worker, 'exit')
    this.worker.on('message', (message) => this.hear(message))
    this.worker.on('exit', () => this.ended())
  }

  protected send(message: unknown): void {
    this.worker.postMessage(message)
  }

  async end(): Promise<void> {
    this.worker.postMessage('end')
    assert.deepEqual(await soon('the end of a thread', this.exited), [0])
  }

  async kill(): Promise<void> {
    await this.worker.terminate()
  }
}

export const KINDS = { process: Process, thread: Thread } as const

/** Starts peers, which are gone when the test has ended. */
export async function startPeers(
  t: TestContext,
  path: string,
  ...kinds: (keyof typeof KINDS)[]
): Promise<Peer[]> {
  const peers = kinds.map((kind) => new KINDS[kind](path))
  t.after(() => Promise.all(peers.map((peer) => peer.kill())))
  for (const peer of peers) await peer.event('ready')
  return peers
}
