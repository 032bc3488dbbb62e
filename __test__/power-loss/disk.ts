/**
 * What a disk may hold after a power failure, from a log of writes and syncs.
 *
 * What was synced is there. Of each sector that was written since, any version may be there: it is
 * the page cache's content at the moment in which the sector was last written back. Sectors are
 * independent of each other; those of a page, or of a write, may be made to go together. The length
 * of a file is any of those that it has had since it was synced. Names that were made, moved or
 * removed are there or not until their directory is synced; a rename is never half done.
 */

import type { IoRecord } from '../support/preload'
import type { Random } from '../support/random'

const SECTOR = 512
const O_CREAT = 0o100
const O_TRUNC = 0o1000

/** A write (`bytes`) or a new length that may not be on disk yet. */
interface Pending {
  offset: number
  bytes: Buffer | undefined
}

class File {
  /** What is on disk for certain, when all of `pending` is left out. */
  durable = Buffer.alloc(0)
  pending: Pending[] = []
  /** Sectors that are on disk up to an entry of `pending`, and the shortest length. */
  private readonly certain = new Map<number, number>()
  private certainLength = 0

  write(offset: number, bytes: Buffer, synced: boolean): void {
    this.pending.push({ offset, bytes })
    if (!synced) return
    const last = sectorOf(offset + bytes.length - 1)
    for (let sector = sectorOf(offset); sector <= last; sector++) {
      this.certain.set(sector, this.pending.length - 1)
    }
    this.certainLength = Math.max(this.certainLength, offset + bytes.length)
  }

  truncate(length: number): void {
    this.pending.push({ offset: length, bytes: undefined })
    this.certainLength = Math.min(this.certainLength, length)
  }

  sync(): void {
    if (this.pending.length === 0) return
    this.durable = this.build(() => Infinity, this.lengths().at(-1)!)
    this.pending = []
    this.certain.clear()
    this.certainLength = 0
  }

  /** The content after a power failure. */
  afterFailure(random: Random, style: Style): Buffer {
    if (this.pending.length === 0) return this.durable
    const { granularity, kept } = style
    const all = this.pending.length - 1
    const version = (): number => {
      if (kept === 'random') return random.between(-1, all)
      return random.chance(kept) ? all : -1
    }
    const versions = new Map<number, number>()
    const versionOf = (sector: number): number => {
      const unit = Math.floor((sector * SECTOR) / granularity)
      let found = versions.get(unit)
      if (found === undefined) versions.set(unit, (found = version()))
      return Math.max(found, this.certain.get(sector) ?? -1)
    }
    const lengths = this.lengths().filter((length) => length >= this.certainLength)
    const length = kept === 1 ? lengths.at(-1)! : kept === 0 ? lengths[0]! : random.pick(lengths)
    return this.build(versionOf, length)
  }

  /** The lengths that the file has had since it was synced. */
  private lengths(): number[] {
    const lengths = [this.durable.length]
    for (const { offset, bytes } of this.pending) {
      if (bytes === undefined) lengths.push(offset)
      else lengths.push(Math.max(lengths.at(-1)!, offset + bytes.length))
    }
    return lengths
  }

  private build(versionOf: (sector: number) => number, length: number): Buffer {
    const content = Buffer.alloc(Math.max(length, this.durable.length))
    this.durable.copy(content)
    for (const [i, { offset, bytes }] of this.pending.entries()) {
      if (bytes === undefined) {
        // What is cut off reads as zeros when the file grows again.
        if (versionOf(sectorOf(offset)) >= i) content.fill(0, Math.min(offset, content.length))
        continue
      }
      const end = offset + bytes.length
      for (let at = offset; at < end;) {
        const sector = sectorOf(at)
        const next = Math.min(end, (sector + 1) * SECTOR)
        if (versionOf(sector) >= i) bytes.copy(content, at, at - offset, next - offset)
        at = next
      }
    }
    return content.subarray(0, length)
  }
}

const sectorOf = (offset: number): number => Math.floor(offset / SECTOR)

/** A change of names that may not be on disk yet. */
interface NameChange {
  /** The directories that have to be synced for it, either of them. */
  directories: Directory[]
  durable: boolean
  apply(tree: Tree): void
}

class Directory {}

type Node = File | Directory
/** The names in each directory. */
type Tree = Map<Directory, Map<string, Node>>

/** How much of what was not synced is there, and in which units. */
export interface Style {
  granularity: number
  /** The chance of the newest version of a unit; or any version of it. */
  kept: number | 'random'
  /** Changes of names are there up to some moment, or each by itself. */
  inOrder: boolean
}

/** A random style. */
export function randomStyle(random: Random): Style {
  return {
    granularity: random.pick([SECTOR, 4_096, 4_096, 65_536]),
    kept: random.pick([0, 0.1, 0.5, 0.5, 0.9, 1, 'random'] as const),
    inOrder: random.chance(0.5),
  }
}

const namesIn = (tree: Tree, directory: Directory): Map<string, Node> => {
  let names = tree.get(directory)
  if (names === undefined) tree.set(directory, (names = new Map()))
  return names
}

/** A disk to which a log is replayed. */
export class Disk {
  private readonly root = new Directory()
  /** Names as the program sees them, and as they are on disk for certain. */
  private readonly current: Tree = new Map()
  private readonly durable: Tree = new Map()
  private changes: NameChange[] = []
  private readonly opened = new Map<string, Node>()

  /** @param path the directory that the log is about */
  constructor(private readonly path: string) {}

  /** Does what a record says. */
  replay(record: IoRecord): void {
    const { type, flags, offset, payload } = record
    const node = this.opened.get(`${record.pid}:${record.file}`)
    switch (type) {
      case 'open':
        return this.open(record)
      case 'write':
        return (node as File).write(offset, payload, flags !== 0)
      case 'truncate':
        return (node as File).truncate(offset)
      case 'sync':
        return node instanceof File ? node.sync() : this.syncNames(node!)
      case 'mkdir':
        return this.link(payload.toString(), new Directory())
      case 'unlink':
        return this.unlink(payload.toString())
      case 'link':
      case 'rename': {
        const [from, to] = payload.toString().split('\0') as [string, string]
        return type === 'link' ? this.link(to, this.find(from)!) : this.rename(from, to)
      }
    }
  }

  /** The files after a power failure, by path from the log's directory. */
  afterFailure(random: Random, style = randomStyle(random)): Map<string, Buffer | undefined> {
    const tree: Tree = new Map([...this.durable].map(([at, names]) => [at, new Map(names)]))
    const share = random.next()
    const upTo = random.between(0, this.changes.length)
    for (const [i, change] of this.changes.entries()) {
      const kept = style.kept === 1 || (style.inOrder ? i < upTo : random.chance(share))
      if (change.durable || (kept && style.kept !== 0)) change.apply(tree)
    }
    const found = new Map<string, Buffer | undefined>()
    const contents = new Map<File, Buffer>()
    const visit = (directory: Directory, path: string): void => {
      for (const [name, node] of tree.get(directory) ?? []) {
        if (node instanceof File) {
          let content = contents.get(node)
          if (content === undefined) {
            contents.set(node, (content = node.afterFailure(random, style)))
          }
          found.set(path + name, content)
        } else {
          found.set(path + name, undefined)
          visit(node, `${path}${name}/`)
        }
      }
    }
    visit(this.root, '')
    return found
  }

  private open({ pid, file, flags, payload }: IoRecord): void {
    const path = payload.toString()
    let node = this.find(path)
    if (node === undefined) {
      if ((flags & O_CREAT) === 0) throw new Error(`the log opens ${path}, which is not there`)
      this.link(path, (node = new File()))
    } else if (node instanceof File && (flags & O_TRUNC) !== 0) {
      node.truncate(0)
    }
    this.opened.set(`${pid}:${file}`, node)
  }

  private find(path: string): Node | undefined {
    if (path === this.path) return this.root
    let node: Node | undefined = this.root
    for (const name of path.slice(this.path.length + 1).split('/')) {
      if (!(node instanceof Directory)) return undefined
      node = this.current.get(node)?.get(name)
    }
    return node
  }

  private split(path: string): [Directory, string] {
    const slash = path.lastIndexOf('/')
    return [this.find(path.slice(0, slash)) as Directory, path.slice(slash + 1)]
  }

  private change(directories: Directory[], apply: (tree: Tree) => void): void {
    apply(this.current)
    this.changes.push({ directories, durable: false, apply })
  }

  private link(path: string, node: Node): void {
    // The directory that the log is about is there from the start.
    if (path === this.path) return
    const [directory, name] = this.split(path)
    this.change([directory], (tree) => namesIn(tree, directory).set(name, node))
  }

  private unlink(path: string): void {
    const [directory, name] = this.split(path)
    const node = this.find(path)!
    this.change([directory], (tree) => {
      // A directory that is not empty cannot have been removed.
      if (node instanceof Directory && (tree.get(node)?.size ?? 0) > 0) return
      if (tree.get(directory)?.get(name) === node) tree.get(directory)!.delete(name)
    })
  }

  private rename(from: string, to: string): void {
    const [oldDirectory, oldName] = this.split(from)
    const [newDirectory, newName] = this.split(to)
    const node = this.find(from)!
    this.change([oldDirectory, newDirectory], (tree) => {
      if (tree.get(oldDirectory)?.get(oldName) === node) tree.get(oldDirectory)!.delete(oldName)
      namesIn(tree, newDirectory).set(newName, node)
    })
  }

  private syncNames(directory: Directory): void {
    for (const change of this.changes) {
      if (change.directories.includes(directory)) change.durable = true
    }
    while (this.changes[0]?.durable) this.changes.shift()!.apply(this.durable)
  }
}
