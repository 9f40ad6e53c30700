/** The code in which header fields are shortened (RFC 7541, 5.2 and appendix B). */
import { ERROR, ProtocolError } from './frames.ts';

/**
 * How many bits each byte has, as runs of `bytes × bits`, and at last the end of a string. It is a canonical code: those of equal
 * length are numbered in the order of the bytes, the shorter ones before the longer ones.
 */
const LENGTHS =
  '1×13 1×23 7×28 1×24 1×30 2×28 1×30 8×28 1×30 9×28 1×6 2×10 1×12 1×13 1×6 1×8 1×11 2×10 1×8 1×11 1×8 3×6 3×5 7×6 1×7 1×8 ' +
  '1×15 1×6 1×12 1×10 1×13 1×6 22×7 1×8 1×7 1×8 1×13 1×19 1×13 1×14 1×6 1×15 1×5 1×6 1×5 1×6 1×5 3×6 1×5 2×7 3×6 1×5 1×6 1×7 ' +
  '1×6 2×5 1×6 5×7 1×15 1×11 1×14 1×13 1×28 1×20 1×22 2×20 3×22 1×23 1×22 5×23 1×24 1×23 2×24 1×22 1×23 1×24 4×23 1×21 1×22 ' +
  '1×23 1×22 2×23 1×24 1×22 1×21 1×20 2×22 2×23 1×21 1×23 2×22 1×24 1×21 1×22 2×23 2×21 1×22 1×21 1×23 1×22 2×23 1×20 3×22 1×23 ' +
  '2×22 1×23 2×26 1×20 1×19 1×22 1×23 1×22 1×25 3×26 2×27 1×26 1×24 1×25 1×19 1×21 1×26 2×27 1×26 1×27 1×24 2×21 2×26 1×28 3×27 ' +
  '1×20 1×24 1×20 1×21 1×22 2×21 1×23 2×22 2×25 2×24 1×26 1×23 1×26 1×27 2×26 5×27 1×28 5×27 1×26 1×30';

const END = 256;
const LONGEST = 30;

/** By length: the first code of it, and the symbols whose codes follow one another from there. */
const codes = canonicalCodes();

function canonicalCodes(): readonly { readonly first: number; readonly symbols: readonly number[] }[] {
  const lengths = LENGTHS.split(' ').flatMap((run) => {
    const [count, bits] = run.split('×').map(Number) as [number, number];
    return new Array<number>(count).fill(bits);
  });
  let next = 0;
  return Array.from({ length: LONGEST + 1 }, (_, bits) => {
    const symbols = lengths.flatMap((length, symbol) => (length === bits ? [symbol] : []));
    next *= 2;
    const first = next;
    next += symbols.length;
    return { first, symbols };
  });
}

/** @throws ProtocolError where it is no such text */
export function decodeHuffman(bytes: Buffer): string {
  const text: number[] = [];
  let code = 0;
  let bits = 0;
  for (const byte of bytes) {
    for (let bit = 7; bit >= 0; bit--) {
      code = code * 2 + ((byte >> bit) & 1);
      bits++;
      const symbol = codes[bits]!.symbols[code - codes[bits]!.first];
      if (symbol === END || bits > LONGEST - 1) throw new ProtocolError(ERROR.compression, 'a header field of no text');
      if (symbol === undefined) continue;
      text.push(symbol);
      code = 0;
      bits = 0;
    }
  }
  // The rest of the last byte is filled with ones.
  if (bits > 7 || code !== 2 ** bits - 1)
    throw new ProtocolError(ERROR.compression, 'a header field that ends amid a character');
  return Buffer.from(text).toString('latin1');
}
