/** UTF-8 as Go reads it: every byte that is not part of a valid sequence becomes U+FFFD. */
import { isUtf8 } from 'node:buffer';

export function decodeUtf8(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return isUtf8(buffer) ? buffer.toString('utf8') : repair(buffer).toString('utf8');
}

/** The WHATWG decoder makes one U+FFFD of a truncated sequence, Go one of each of its bytes. */
function repair(bytes: Buffer): Buffer {
  const out = Buffer.allocUnsafe(3 * bytes.length);
  let length = 0;
  for (let i = 0; i < bytes.length; ) {
    const end = i + sequenceLength(bytes, i);
    if (end === i) {
      out[length++] = 0xef;
      out[length++] = 0xbf;
      out[length++] = 0xbd;
      i++;
    }
    while (i < end) out[length++] = bytes[i++]!;
  }
  return out.subarray(0, length);
}

/** 0 where no valid sequence begins: none that is longer than need be, none of a surrogate or beyond the last code point. */
function sequenceLength(bytes: Buffer, at: number): number {
  const first = bytes[at]!;
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  const second = bytes[at + 1] ?? 0;
  const least = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const most = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  if (second < least || second > most) return 0;
  const length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  for (let i = 2; i < length; i++) if (((bytes[at + i] ?? 0) & 0xc0) !== 0x80) return 0;
  return length;
}
