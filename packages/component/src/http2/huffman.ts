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
/** Of a step: what it leads to is in the lower bits, the symbol that it ends above them; 0 is the tree's root. */
const NODE_BITS = 9;
const NODE_MASK = (1 << NODE_BITS) - 1;

/** Two for each inner node of the tree of codes, for a bit of 0 and of 1: another node, or ~symbol. */
const branches = treeOfCodes();
/** Nodes that as many ones lead to as may fill the last byte. */
const paddings = new Set<number>([0]);
for (let node = 0, bits = 1; bits < 8; bits++) {
  node = branches[2 * node + 1]!;
  paddings.add(node);
}
/** For each node and the next four bits, of which no more than one symbol comes: a step; 0, which is none, before it was first taken. */
const steps = new Int32Array(branches.length * 8);

function treeOfCodes(): readonly number[] {
  const lengths = LENGTHS.split(' ').flatMap((run) => {
    const [count, bits] = run.split('×').map(Number) as [number, number];
    return new Array<number>(count).fill(bits);
  });
  const tree = [0, 0];
  const put = (symbol: number, code: number, bits: number): void => {
    let node = 0;
    for (let bit = bits - 1; bit > 0; bit--) {
      const at = 2 * node + ((code >> bit) & 1);
      if (tree[at] === 0) tree[at] = tree.push(0, 0) / 2 - 1;
      node = tree[at]!;
    }
    tree[2 * node + (code & 1)] = ~symbol;
  };
  const byLength = [...lengths.keys()].sort((a, b) => lengths[a]! - lengths[b]!);
  let code = 0;
  let bits = 0;
  for (const symbol of byLength) {
    const length = lengths[symbol]!;
    code *= 2 ** (length - bits);
    bits = length;
    put(symbol, code++, bits);
  }
  return tree;
}

function firstStep(at: number): number {
  const nibble = at & 15;
  let node = at >> 4;
  let symbols = 0;
  for (let bit = 3; bit >= 0; bit--) {
    const next = branches[2 * node + ((nibble >> bit) & 1)]!;
    if (next < 0) symbols = ~next + 1;
    node = Math.max(next, 0);
  }
  const step = (symbols << NODE_BITS) | node;
  steps[at] = step;
  return step;
}

/** @throws ProtocolError where it is no such text */
export function decodeHuffman(bytes: Buffer): string {
  // The shortest codes have five bits.
  const text = Buffer.allocUnsafe(Math.ceil((bytes.length * 8) / 5));
  let length = 0;
  let node = 0;
  for (let i = 0; i < 2 * bytes.length; i++) {
    const byte = bytes[i >> 1]!;
    const at = node * 16 + (i & 1 ? byte & 15 : byte >> 4);
    const step = steps[at] || firstStep(at);
    node = step & NODE_MASK;
    const symbol = (step >> NODE_BITS) - 1;
    if (symbol === END) throw new ProtocolError(ERROR.compression, 'a header field of no text');
    if (symbol >= 0) text[length++] = symbol;
  }
  if (!paddings.has(node)) throw new ProtocolError(ERROR.compression, 'a header field that ends amid a character');
  return text.toString('latin1', 0, length);
}
