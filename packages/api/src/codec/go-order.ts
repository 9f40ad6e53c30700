/** Go's order of strings: by UTF-8 bytes, which is by code points, not by UTF-16 units. */
export function compareStrings(a: string, b: string): number {
  if (a === b) return 0;
  // The orders only differ where a surrogate, which stands for a code point above the BMP, meets a unit above it.
  if (!HIGH_UNIT.test(a) || !HIGH_UNIT.test(b)) return a < b ? -1 : 1;
  let i = 0;
  while (a.charCodeAt(i) === b.charCodeAt(i)) i++;
  return rank(a.charCodeAt(i)) - rank(b.charCodeAt(i));
}
function rank(unit: number): number {
  if (Number.isNaN(unit)) return -1;
  return unit >= 0xd800 && unit < 0xe000 ? unit + 0x10000 : unit;
}
const HIGH_UNIT = /[\ud800-\uffff]/;

/** The keys of a map in Go's order, in a fresh array. */
export function sortedKeys(object: object): string[] {
  const keys = Object.keys(object);
  for (let i = 1; i < keys.length; i++)
    if (compareStrings(keys[i - 1]!, keys[i]!) > 0) return keys.sort(compareStrings);
  return keys;
}
