/** UTF-8 as Go reads it: every byte that is not part of a valid sequence becomes U+FFFD. */
import { isUtf8 } from 'node:buffer';

export function decodeUtf8(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return isUtf8(buffer) ? buffer.toString('utf8') : repair(buffer).toString('utf8');
}

const REPLACEMENT = [0xef, 0xbf, 0xbd];

/** The WHATWG decoder makes one U+FFFD of a truncated sequence, Go one of each of its bytes. */
function repair(bytes: Buffer): Buffer {
  const out: number[] = [];
  for (let i = 0; i < bytes.length; ) {
    const length = sequenceLength(bytes, i);
    if (length === 0) {
      out.push(...REPLACEMENT);
      i++;
    } else for (const end = i + length; i < end; i++) out.push(bytes[i]!);
  }
  return Buffer.from(out);
}

/** 0 where no valid sequence begins. */
function sequenceLength(bytes: Buffer, at: number): number {
  const first = bytes[at]!;
  if (first < 0x80) return 1;
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  return at + length <= bytes.length && isUtf8(bytes.subarray(at, at + length)) ? length : 0;
}
