/** Reads from a shared library what system it is for: ELF, Mach-O and PE headers. */

/** Processor names as Node.js has them, by the formats' own numbers. */
const ELF_MACHINE = new Map([
  [0x3e, 'x64'],
  [0xb7, 'arm64'],
])
const MACHO_CPU = new Map([
  [0x01000007, 'x64'],
  [0x0100000c, 'arm64'],
])
const PE_MACHINE = new Map([
  [0x8664, 'x64'],
  [0xaa64, 'arm64'],
])

const ELF_MAGIC = 0x7f454c46
const MACHO_MAGIC_64 = 0xfeedfacf
const PE_MAGIC = 0x00004550

/** ELF: the program header of the dynamic section, its entry `DT_FLAGS_1` and the flag in that. */
const PT_DYNAMIC = 2
const DT_FLAGS_1 = 0x6ffffffbn
const DF_1_NODELETE = 0x8n

/**
 * Names the system a library is for.
 *
 * @param {Buffer} library
 * @returns {string | undefined} `linux-x64`, `darwin-arm64`, …; undefined when it is something else
 */
export function identify(library) {
  if (library.length < 64) return undefined
  if (library.readUInt32BE(0) === ELF_MAGIC)
    return named('linux', ELF_MACHINE, library.readUInt16LE(18))
  if (library.readUInt32LE(0) === MACHO_MAGIC_64) {
    return named('darwin', MACHO_CPU, library.readUInt32LE(4))
  }
  if (library.toString('latin1', 0, 2) !== 'MZ') return undefined
  const header = library.readUInt32LE(60)
  if (header + 6 > library.length || library.readUInt32LE(header) !== PE_MAGIC) return undefined
  return named('win32', PE_MACHINE, library.readUInt16LE(header + 4))
}

function named(system, processors, number) {
  const processor = processors.get(number)
  return processor && `${system}-${processor}`
}

/** The newest glibc version that an ELF library asks for, as `[major, minor]`. */
export function glibcOf(library) {
  const versions = library.toString('latin1').matchAll(/GLIBC_(\d+)\.(\d+)/g)
  return [...versions]
    .map(([, major, minor]) => [Number(major), Number(minor)])
    .reduce((a, b) => (b[0] > a[0] || (b[0] === a[0] && b[1] > a[1]) ? b : a), [0, 0])
}

/** Whether a 64-bit ELF library is marked to stay loaded for good (`-z nodelete`). */
export function isNeverUnloaded(library) {
  const table = Number(library.readBigUInt64LE(32))
  const entrySize = library.readUInt16LE(54)
  const count = library.readUInt16LE(56)
  for (let at = table; at < table + count * entrySize; at += entrySize) {
    if (library.readUInt32LE(at) !== PT_DYNAMIC) continue
    const start = Number(library.readBigUInt64LE(at + 8))
    const end = start + Number(library.readBigUInt64LE(at + 32))
    for (let entry = start; entry < end; entry += 16) {
      if (library.readBigUInt64LE(entry) !== DT_FLAGS_1) continue
      return (library.readBigUInt64LE(entry + 8) & DF_1_NODELETE) !== 0n
    }
  }
  return false
}

/** Whether a library knows the faults that the crash test asks for (`src/fault.rs`). */
export function hasFaultPoints(library) {
  return library.includes('LODESTORE_FAULT')
}
