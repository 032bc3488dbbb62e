import { closeSync, fdatasyncSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'

/** No database: each document is appended to a file. What one sync a write allows. */
class Append {
  static async open(path, { durability }) {
    mkdirSync(path, { recursive: true })
    return new Append(openSync(join(path, 'data.jsonl'), 'a'), durability === 'strict')
  }

  constructor(file, sync) {
    this.file = file
    this.sync = sync
  }

  put(document) {
    writeSync(this.file, `${JSON.stringify(document)}\n`)
    if (this.sync) fdatasyncSync(this.file)
  }

  close() {
    closeSync(this.file)
  }
}

export default {
  name: 'append',
  title: 'file append (reference)',
  package: null,
  durability: {
    default: 'in the page cache',
    strict: 'fdatasync at each write',
    none: 'in the page cache',
  },
  open: Append.open,
}
