import type { ByteKey } from '../embedded/bytekey.ts';
import type { Entry } from '../embedded/journal.ts';

const KEY_OFFSET = 40;

/** An entry as bytes: five little-endian doubles, then the key. */
export const entryCodec = {
  encode({ key, revision, createRevision, version, previous, expiresAt }: Entry): Buffer {
    const bytes = Buffer.allocUnsafe(KEY_OFFSET + key.length);
    bytes.writeDoubleLE(revision, 0);
    bytes.writeDoubleLE(createRevision, 8);
    bytes.writeDoubleLE(version, 16);
    bytes.writeDoubleLE(previous, 24);
    bytes.writeDoubleLE(expiresAt, 32);
    bytes.write(key, KEY_OFFSET, 'latin1');
    return bytes;
  },

  /** @param bytes are overwritten after the call, so nothing may keep a view of them */
  decode(bytes: Buffer): Entry {
    return {
      key: bytes.toString('latin1', KEY_OFFSET, bytes.length) as ByteKey,
      revision: bytes.readDoubleLE(0),
      createRevision: bytes.readDoubleLE(8),
      version: bytes.readDoubleLE(16),
      previous: bytes.readDoubleLE(24),
      expiresAt: bytes.readDoubleLE(32),
    };
  },
};
