/** Small file systems, where this process may mount them: as root on Linux. */

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

function run(command: string, ...args: string[]): boolean {
  return spawnSync(command, args).status === 0
}

/** Why no file system can be mounted; undefined if one can. */
export function noMounts(): string | undefined {
  if (process.platform !== 'linux') return 'mounting a file system needs Linux'
  if (process.getuid?.() !== 0) return 'mounting a file system needs root'
  const probe = run('unshare', '--mount', 'mount', '-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', '/mnt')
  return probe ? undefined : 'this container may not mount file systems'
}

/** Mounts a file system in memory of a size such as '8m', until the test ends. */
export function mountMemory(t: TestContext, size: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'lodestore-mount-'))
  mount('-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', directory)
  t.after(() => {
    run('umount', '--lazy', directory)
    rmdirSync(directory)
  })
  return directory
}

/** Makes a mounted file system read-only, or writable again. */
export function remount(directory: string, mode: 'ro' | 'rw'): void {
  mount('-o', `remount,${mode}`, directory)
}

function mount(...args: string[]): void {
  const { status, stderr } = spawnSync('mount', args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`mount ${args.join(' ')}: ${stderr}`)
}
