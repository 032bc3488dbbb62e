/** States of the disk, as directories. */

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Another start of the machine: the marker in the lock file is of an earlier one. */
export const OTHER_BOOT = '00000000-0000-4000-8000-000000000000'

/** What is in a directory, by path; undefined for directories. */
export type Files = Map<string, Buffer | undefined>

/** Writes a state to a new directory, as if the machine had been started again. */
export function write(files: Files, target: string): void {
  mkdirSync(target)
  for (const [name, content] of files) {
    const path = join(target, name)
    if (content === undefined) mkdirSync(path)
    else if (name.endsWith('lodestore.lock') && content.length > 0) writeFileSync(path, OTHER_BOOT)
    else writeFileSync(path, content)
  }
}
