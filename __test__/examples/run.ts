import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

/** The checkout. */
export const root = resolve(__dirname, '../..')

const TIMEOUT_MS = 120_000

/** A new directory in which `lodestore` can be imported; `remove` deletes it. */
export function makeDirectory(): { directory: string; remove: () => void } {
  const directory = mkdtempSync(join(tmpdir(), 'lodestore-examples-'))
  mkdirSync(join(directory, 'node_modules'))
  writeFileSync(join(directory, 'package.json'), '{ "private": true }')
  symlinkSync(root, join(directory, 'node_modules', 'lodestore'), 'junction')
  const remove = () => rmSync(directory, { recursive: true, force: true })
  return { directory, remove }
}

/** Runs a program of Node.js in a directory; rejects, with what it printed, if it fails. */
export async function runProgram(
  file: string,
  directory: string,
  args: string[] = [],
): Promise<{ stdout: string; stderr: string }> {
  const options = { cwd: directory, timeout: TIMEOUT_MS, maxBuffer: 64 << 20 }
  return promisify(execFile)(process.execPath, [file, ...args], options)
}
