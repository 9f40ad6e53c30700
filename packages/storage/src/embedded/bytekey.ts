/**
 * A key as the engines keep it: one character per UTF-8 byte. Two such strings compare with `<` as their
 * bytes do, which UTF-16 strings don't (U+FF5E sorts before U+1F600 by bytes, after it by code units). An ASCII key is its own
 * byte key, so the common case converts nothing and takes one byte of memory per character.
 */
export type ByteKey = string & { readonly __byteKey: unique symbol };

// biome-ignore lint/suspicious/noControlCharactersInRegex: the range is what ASCII is
const ascii = /^[\x00-\x7f]*$/;

/** The byte key of a UTF-8 string. */
export function toByteKey(key: string): ByteKey {
  return (ascii.test(key) ? key : Buffer.from(key, 'utf8').toString('latin1')) as ByteKey;
}

/** The string that `toByteKey` was given. */
export function fromByteKey(key: ByteKey): string {
  return ascii.test(key) ? key : Buffer.from(key, 'latin1').toString('utf8');
}

/** The least byte key greater than every key that starts with `prefix`; undefined if there is none. */
export function prefixEnd(prefix: ByteKey): ByteKey | undefined {
  let length = prefix.length;
  while (length > 0 && prefix.charCodeAt(length - 1) === 0xff) length--;
  if (length === 0) return undefined;
  return (prefix.slice(0, length - 1) + String.fromCharCode(prefix.charCodeAt(length - 1) + 1)) as ByteKey;
}
