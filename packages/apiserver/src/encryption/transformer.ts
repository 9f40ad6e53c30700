/**
 * What lies between an object's bytes and the store (apiserver/pkg/storage/value): values are encrypted on their way in and
 * decrypted on their way out.
 */

/** A stored value, decrypted. */
export interface Opened {
  readonly value: Buffer;
  /** Written now it would be stored otherwise: under another key, or by another provider. */
  readonly stale: boolean;
}

/**
 * Of what transforms values, `path` is the key under which etcd has the value: what authenticates what it encrypts makes sure
 * that the value is good there alone. Errors are told to clients.
 */
export interface ValueTransformer {
  /** @returns what is stored, in pieces. @throws Error */
  seal(value: Uint8Array, path: string): Uint8Array[];
  /** A promise only where somebody else has to be asked. @throws Error, of which the message is upstream's */
  open(stored: Buffer, path: string): Opened | Promise<Opened>;
}

/** The pieces as one, in memory of its own where there are several: stores keep it. */
export function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const some = pieces.filter(({ length }) => length > 0);
  if (some.length === 1) return some[0]!;
  const whole = Buffer.allocUnsafeSlow(some.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of some) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

export const TOO_SHORT = 'the stored data was shorter than the required size';
