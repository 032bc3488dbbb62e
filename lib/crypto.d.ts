/** Sealing single values, with or without a database. */

import type { KdfOptions } from '../index'

/** With what a value is sealed: a key of 32 bytes or a passphrase. */
export type SealingKey =
  { key: Uint8Array; passphrase?: undefined } | { passphrase: string; key?: undefined }

/** What both `seal` and `open` are told. */
export type KeyOptions = SealingKey & {
  /**
   * What the value belongs to, such as the id of its row: `open` needs the same. It is not part of
   * what is sealed.
   */
  associatedData?: string | Uint8Array | undefined
}

/** Options of `seal`. */
export type SealOptions<Encoding> = KeyOptions & {
  /** Default: 'aes-256-gcm'. */
  cipher?: 'aes-256-gcm' | 'chacha20-poly1305' | undefined
  /** How costly a passphrase is made. At most 1 GiB of memory, and 16 GiB in all passes. */
  kdf?: KdfOptions | undefined
  /** Base64, or bytes. Default: 'base64'. */
  encoding?: Encoding | undefined
}

/**
 * Encrypts a value, so that only who has the key can read it, or change it unnoticed. The same
 * value gives another result each time. A passphrase takes a tenth of a second and 64 MiB, by
 * design.
 *
 * @throws {LodestoreError} INVALID_ARGUMENT
 * @example
 * const sealed = await seal('4111 1111 1111 1111', { key, associatedData: customer.id })
 * await customers.put({ ...customer, card: sealed })
 */
export function seal(
  value: string | Uint8Array,
  options: SealOptions<'bytes'> & { encoding: 'bytes' },
): Promise<Buffer>
export function seal(value: string | Uint8Array, options: SealOptions<'base64'>): Promise<string>

/**
 * Decrypts a sealed value, in Base64 or bytes: a string if that was sealed, else bytes.
 *
 * @throws {LodestoreError} WRONG_KEY if key, passphrase or associated data is another one, or what
 * is
 *   given was changed or was never sealed: which one it is cannot be told. INVALID_ARGUMENT
 */
export function open(sealed: string | Uint8Array, options: KeyOptions): Promise<string | Buffer>
