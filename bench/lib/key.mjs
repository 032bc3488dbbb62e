/** The key of encrypted databases: 32 bytes. */
export const KEY = Buffer.from(Array.from({ length: 32 }, (_, i) => (i * 7 + 3) & 0xff))
