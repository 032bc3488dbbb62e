/** The blocks of a sealed database's data file, read by its format alone (docs/format.md). */

import {
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  hkdfSync,
} from 'node:crypto'
import { DataFile, type Node } from './pages'

const TAG = 16
const NONCE = 12
const SALT = 16
const KEY = 32
const HEADER = 24
const SLOT = 8
const IN_BLOB = 0xffff
/** What stands before the bytes of an X25519 key in DER (RFC 8410). */
const PRIVATE_KEY = Buffer.from('302e020100300506032b656e04220420', 'hex')
const PUBLIC_KEY = Buffer.from('302a300506032b656e032100', 'hex')
const CIPHERS = { 1: 'aes-256-gcm', 2: 'chacha20-poly1305' } as const

/** An entry of a leaf: a value, or the blob that holds it. */
export interface BlockEntry {
  key: Buffer
  value: Buffer | { id: bigint; length: number }
}

/** What stands in a block of a tree. */
export interface BlockNode {
  id: bigint
  level: number
  children: bigint[]
  entries: BlockEntry[]
}

/** A block as LMDB has it. */
export interface StoredBlock {
  /** The entry of LMDB's leaf. */
  node: Node
  page: number
  stored: Buffer
}

/** Reads what was written one after the other. */
class Input {
  at = 0
  readonly bytes: Buffer

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  take(length: number): Buffer {
    this.at += length
    return this.bytes.subarray(this.at - length, this.at)
  }

  number(length: number): number {
    return this.take(length).readUIntLE(0, length)
  }
}

/** What a secret's key is derived from: a slot of the key record. */
export interface Slot {
  isOfPassphrase: boolean
  memory: number
  iterations: number
  parallelism: number
  salt: Buffer
}

/** The records in clear, by their keys. */
function recordsOf(file: DataFile): Map<string, Buffer> {
  const records = new Map<string, Buffer>()
  for (const page of file.tree('meta')) {
    for (const node of page.isLeaf ? page.nodes : []) {
      const envelope = file.bytes.subarray(node.data, node.data + node.size)
      records.set(node.key.toString('latin1'), envelope.subarray(1, -4))
    }
  }
  return records
}

/** What is sealed to the public key of a slot. */
interface Pair {
  ephemeral: Buffer
  sealed: Buffer
}

function readPair(record: Input): Pair {
  return { ephemeral: record.take(KEY), sealed: record.take(record.number(2)) }
}

interface StoredSlot extends Slot {
  id: Buffer
  head: Buffer
  nonce: Buffer
  /** The private key of the slot, or the data keys. */
  wrapped: Buffer
  pair: Pair | undefined
}

function readSlot(record: Input): StoredSlot {
  const start = record.at
  const kind = record.number(1)
  const isOfPassphrase = kind === 1 || kind === 3
  const id = record.take(4)
  const [memory, iterations, parallelism] = [record.number(4), record.number(4), record.number(4)]
  const salt = record.take(SALT)
  const head = record.bytes.subarray(start, record.at)
  const nonce = record.take(NONCE)
  const wrapped = record.take(record.number(2))
  const pair = kind < 3 ? undefined : readPair(record)
  return { isOfPassphrase, memory, iterations, parallelism, salt, id, head, nonce, wrapped, pair }
}

/** The slots of a file, in their order. */
export function slotsOf(file: DataFile): Slot[] {
  const record = new Input(recordsOf(file).get('\0K')!)
  record.take(10)
  return Array.from({ length: record.number(1) }, () => readSlot(record))
}

/** The key of a slot that a key of 32 bytes opens. */
export const slotKey = (key: Uint8Array, { salt }: Slot): Buffer =>
  derive(key, salt, 'lodestore key slot')

/** The blocks of a file, opened with a key, or with that of a slot of a passphrase. */
export class Blocks {
  readonly blocks = new Map<bigint, StoredBlock>()
  /** The ids of the roots of `meta`, `docs`, `index` and `log`. */
  readonly roots: bigint[]
  private readonly database: Buffer
  private readonly cipher: 'aes-256-gcm' | 'chacha20-poly1305'
  readonly dataKeys = new Map<number, Buffer>()
  /** The keys of the epochs. */
  readonly epochs = new Map<number, Buffer>()
  /** The private keys of the slots that were opened. */
  readonly privateKeys: Buffer[] = []
  /** The key of the key record's check. */
  readonly checkKey: Buffer

  constructor(file: DataFile, key: Uint8Array) {
    const records = recordsOf(file)
    this.database = records.get('\0F')!.subarray(24, 40)
    const record = new Input(records.get('\0K')!)
    const version = record.number(1)
    this.cipher = CIPHERS[record.number(1) as 1 | 2]
    record.take(8)
    for (let slots = record.number(1); slots > 0; slots--) this.slot(record, key)
    const content = record.number(version === 1 ? 1 : 2)
    const [salt, nonce] = [record.take(SALT), record.take(NONCE)]
    const newest = this.dataKeys.get(Math.max(...this.dataKeys.keys()))!
    const size = record.bytes.subarray(2, 6)
    const purpose = Buffer.from('lodestore key check')
    const end = version === 1 ? [] : [Buffer.from([version])]
    const associated = [purpose, this.database, this.number(), size, ...end]
    this.checkKey = derive(newest, salt, 'lodestore key check')
    const opened = this.open(this.checkKey, nonce, associated, record.take(content + TAG))!
    // Numbers of data keys and public keys follow.
    const roots = version === 1 ? opened : opened.subarray(1, 1 + opened[0]!)
    this.roots = [0, 8, 16, 24].map((at) => roots.readBigUInt64LE(at))
    for (const [name, payload] of records) {
      if (!name.startsWith('\0E')) continue
      const info = Buffer.concat([Buffer.from('lodestore block'), this.database])
      const own = derive(this.dataKeys.get(payload.readUInt32LE())!, payload.subarray(4), info)
      this.epochs.set(Buffer.from(name, 'latin1').readUInt32BE(2), own)
    }
    for (const page of file.tree('docs')) {
      for (const node of page.isLeaf ? page.nodes : []) {
        const at = file.overflow(node)!.first
        const start = at * file.pageSize + 16
        const stored = file.bytes.subarray(start, start + node.size)
        this.blocks.set(node.key.readBigUInt64BE(), { node, page: at, stored })
      }
    }
  }

  private number(): Buffer {
    return Buffer.from([this.cipher === 'aes-256-gcm' ? 1 : 2])
  }

  /** Takes the data keys of a slot, if the key opens it. */
  private slot(record: Input, key: Uint8Array): void {
    const slot = readSlot(record)
    const associated = [Buffer.from('lodestore key slot'), this.database, this.number(), slot.head]
    const own = slot.isOfPassphrase ? key : slotKey(key, slot)
    let keys = this.open(own, slot.nonce, associated, slot.wrapped)
    if (slot.pair !== undefined && keys !== undefined) {
      this.privateKeys.push(keys)
      keys = this.openWith(keys, slot.id, slot.pair)
    }
    if (keys === undefined) return
    for (let at = 0; at < keys.length; at += 4 + KEY) {
      this.dataKeys.set(keys.readUInt32LE(at), keys.subarray(at + 4, at + 4 + KEY))
    }
  }

  /** Opens data keys with the private key of a slot. */
  private openWith(key: Buffer, id: Buffer, { ephemeral, sealed }: Pair): Buffer | undefined {
    const privateKey = createPrivateKey({
      key: Buffer.concat([PRIVATE_KEY, key]),
      format: 'der',
      type: 'pkcs8',
    })
    const publicKey = createPublicKey({
      key: Buffer.concat([PUBLIC_KEY, ephemeral]),
      format: 'der',
      type: 'spki',
    })
    const shared = diffieHellman({ privateKey, publicKey })
    const own = createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(-KEY)
    const name = Buffer.from('lodestore data keys')
    return this.open(
      derive(shared, Buffer.concat([ephemeral, own]), 'lodestore key pair'),
      Buffer.alloc(NONCE),
      [name, this.database, this.number(), id],
      sealed,
    )
  }

  private open(
    key: Uint8Array,
    nonce: Buffer,
    associated: Buffer[],
    sealed: Buffer,
  ): Buffer | undefined {
    // The types of Node.js know options of the tag for each cipher by itself.
    const work = createDecipheriv(this.cipher as 'aes-256-gcm', key, nonce, { authTagLength: TAG })
    work.setAAD(Buffer.concat(associated))
    work.setAuthTag(sealed.subarray(-TAG))
    const opened = work.update(sealed.subarray(0, -TAG))
    try {
      work.final()
    } catch {
      return undefined
    }
    return opened
  }

  /** What is sealed in a block. */
  payload(id: bigint): Buffer {
    return this.opened(id, this.blocks.get(id)!.stored)!
  }

  /** Whether bytes are a state of a block. */
  opens(id: bigint, stored: Buffer): boolean {
    return this.opened(id, stored) !== undefined
  }

  private opened(id: bigint, stored: Buffer): Buffer | undefined {
    const own = Buffer.alloc(8)
    own.writeBigUInt64LE(id)
    const associated = [Buffer.from('ldblock1'), this.database, own]
    const key = this.epochs.get(stored.readUInt32LE())
    if (key === undefined) return undefined
    return this.open(key, stored.subarray(4, 16), associated, stored.subarray(16))
  }

  /** The node of a block. */
  node(id: bigint): BlockNode {
    const bytes = this.payload(id)
    const [level, count, prefix] = [bytes[0]!, bytes.readUInt16LE(2), bytes.readUInt16LE(4)]
    const node: BlockNode = { id, level, children: [], entries: [] }
    if (level > 0) node.children.push(bytes.readBigUInt64LE(16))
    const begin = bytes.subarray(HEADER, HEADER + prefix)
    for (let i = 0; i < count; i++) {
      const slot = HEADER + prefix + i * SLOT
      const [at, length] = [bytes.readUInt16LE(slot + 4), bytes.readUInt16LE(slot + 6)]
      const key = Buffer.concat([begin, bytes.subarray(at, at + length)])
      const end = at + length
      if (level > 0) {
        node.children.push(bytes.readBigUInt64LE(end))
        continue
      }
      const size = bytes.readUInt16LE(at - 2)
      const blob = () => ({
        id: bytes.readBigUInt64LE(end),
        length: Number(bytes.readBigUInt64LE(end + 8)),
      })
      node.entries.push({ key, value: size === IN_BLOB ? blob() : bytes.subarray(end, end + size) })
    }
    return node
  }

  /** The ids of a blob's blocks. */
  partsOf({ id, length }: { id: bigint; length: number }): bigint[] {
    const payload = this.blocks.get(id)!.stored.length - 32
    const count = Math.max(1, Math.ceil(length / payload))
    return Array.from({ length: count }, (_, i) => id + BigInt(i))
  }

  /** The value of an entry. */
  valueOf({ value }: BlockEntry): Buffer {
    if (value instanceof Buffer) return value
    const parts = this.partsOf(value).map((id) => this.payload(id))
    return Buffer.concat(parts).subarray(0, value.length)
  }
}

function derive(key: Uint8Array, salt: Buffer, info: string | Buffer): Buffer {
  return Buffer.from(hkdfSync('sha256', key, salt, info, KEY))
}
