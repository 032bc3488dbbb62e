/** Expectations on errors. */

import assert from 'node:assert/strict'
import { LodestoreError } from '../../index.js'

/** Asserts that something is a LodestoreError of one of the codes, with a message of use. */
export function assertCode(error: unknown, ...codes: string[]): asserts error is LodestoreError {
  if (!(error instanceof LodestoreError)) {
    throw new assert.AssertionError({
      message: `not a LodestoreError (${codes.join(' or ')}): ${describe(error)}`,
    })
  }
  assert.ok(codes.includes(error.code), `${error.code}, not ${codes.join(' or ')}: ${error.stack}`)
  assert.ok(error.message.length >= 10, `a message that says little: ${error.message}`)
}

/** Runs a function that must fail with one of the codes; gives the error. */
export async function fails(run: () => unknown, ...codes: string[]): Promise<LodestoreError> {
  let value: unknown
  try {
    value = await run()
  } catch (error) {
    assertCode(error, ...codes)
    return error
  }
  throw new assert.AssertionError({
    message: `gave ${describe(value)} instead of failing with ${codes.join(' or ')}`,
  })
}

function describe(value: unknown): string {
  if (value instanceof Error) return value.stack ?? value.message
  return typeof value === 'object' ? Object.prototype.toString.call(value) : String(value)
}
