import type { ByteKey } from '../embedded/bytekey.ts';
import type { Entry } from '../embedded/journal.ts';

/** The numbers pass through here: for many small buffers this is several times as fast as `Buffer.readDoubleLE` or a `DataView` each. */
const numbers = new Float64Array(5);
const bytesOfNumbers = new Uint8Array(numbers.buffer);
const KEY_OFFSET = bytesOfNumbers.length;

/** An entry as bytes: five doubles in the machine's byte order, as is all of LMDB's file, then the key. */
export const entryCodec = {
  encode({ key, revision, createRevision, version, previous, expiresAt }: Entry): Buffer {
    numbers[0] = revision;
    numbers[1] = createRevision;
    numbers[2] = version;
    numbers[3] = previous;
    numbers[4] = expiresAt;
    const bytes = Buffer.allocUnsafe(KEY_OFFSET + key.length);
    bytes.set(bytesOfNumbers);
    bytes.write(key, KEY_OFFSET, 'latin1');
    return bytes;
  },

  /** @param bytes are overwritten after the call, so nothing may keep a view of them */
  decode(bytes: Buffer): Entry {
    for (let i = 0; i < KEY_OFFSET; i++) bytesOfNumbers[i] = bytes[i]!;
    return {
      key: bytes.toString('latin1', KEY_OFFSET, bytes.length) as ByteKey,
      revision: compact(numbers[0]!),
      createRevision: compact(numbers[1]!),
      version: compact(numbers[2]!),
      previous: compact(numbers[3]!),
      expiresAt: compact(numbers[4]!),
    };
  },
};

/** The same number; a small one as an integer, which takes no memory beside its object, unlike a double. */
function compact(n: number): number {
  return n === (n | 0) ? n | 0 : n;
}
