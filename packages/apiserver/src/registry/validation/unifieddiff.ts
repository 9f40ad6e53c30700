/**
 * A unified diff as Python's difflib makes it, whose Go port upstream uses (github.com/pmezard/go-difflib): the longest
 * common run first, then the same on both sides of it.
 */
import { goJSON } from '@keelson/api/field';

const CONTEXT = 3;
/** Lines that make up more than a hundredth of a long text say nothing. */
const POPULAR_FROM = 200;

/** Between two values, as JSON with one blank of indentation; without the names of files. Empty when they are equal. */
export function diffJSON(a: unknown, b: unknown): string {
  return unifiedDiff(lines(a), lines(b));
}

/** The last line ends in a newline too, as upstream has it. */
function lines(value: unknown): string[] {
  return goJSON(value, 1)
    .split('\n')
    .map((line) => `${line}\n`);
}

interface Match {
  readonly a: number;
  readonly b: number;
  readonly size: number;
}

interface Change {
  readonly same: boolean;
  readonly a1: number;
  readonly a2: number;
  readonly b1: number;
  readonly b2: number;
}

function unifiedDiff(a: readonly string[], b: readonly string[]): string {
  let text = '';
  for (const group of groups(changes(a, b))) {
    const [first, last] = [group[0]!, group.at(-1)!];
    text += `@@ -${range(first.a1, last.a2)} +${range(first.b1, last.b2)} @@\n`;
    for (const { same, a1, a2, b1, b2 } of group) {
      const [removed, added] = same ? [' ', ''] : ['-', '+'];
      for (const line of a.slice(a1, a2)) text += removed + line;
      if (!same) for (const line of b.slice(b1, b2)) text += added + line;
    }
  }
  return text;
}

function range(start: number, end: number): string {
  const length = end - start;
  if (length === 1) return `${start + 1}`;
  return `${length === 0 ? start : start + 1},${length}`;
}

function groups(all: readonly Change[]): Change[][] {
  const result: Change[][] = [];
  let group: Change[] = [];
  for (const [i, change] of all.entries()) {
    const { same, a1, a2, b1, b2 } = change;
    const head = i > 0 ? CONTEXT : 0;
    const tail = i < all.length - 1 ? CONTEXT : 0;
    if (!same || a2 - a1 <= head + tail) {
      group.push(change);
      continue;
    }
    if (head > 0) {
      group.push({ same, a1, a2: a1 + head, b1, b2: b1 + head });
      result.push(group);
    }
    group = tail > 0 ? [{ same, a1: a2 - tail, a2, b1: b2 - tail, b2 }] : [];
  }
  if (group.some(({ same }) => !same)) result.push(group);
  return result.filter((changed) => changed.some(({ same }) => !same));
}

function changes(a: readonly string[], b: readonly string[]): Change[] {
  const result: Change[] = [];
  let [i, j] = [0, 0];
  for (const match of [...matches(a, b), { a: a.length, b: b.length, size: 0 }]) {
    if (i < match.a || j < match.b) result.push({ same: false, a1: i, a2: match.a, b1: j, b2: match.b });
    [i, j] = [match.a + match.size, match.b + match.size];
    if (match.size > 0) result.push({ same: true, a1: match.a, a2: i, b1: match.b, b2: j });
  }
  return result;
}

/** Equal runs in order, neighbours joined. */
function matches(a: readonly string[], b: readonly string[]): Match[] {
  const places = placesOf(b);
  const found: Match[] = [];
  const waiting: [number, number, number, number][] = [[0, a.length, 0, b.length]];
  for (let range = waiting.pop(); range; range = waiting.pop()) {
    const [a1, a2, b1, b2] = range;
    const match = longest(a, b, places, a1, a2, b1, b2);
    if (match.size === 0) continue;
    found.push(match);
    waiting.push([a1, match.a, b1, match.b], [match.a + match.size, a2, match.b + match.size, b2]);
  }
  found.sort((x, y) => x.a - y.a);
  const joined: Match[] = [];
  for (const match of found) {
    const last = joined.at(-1);
    if (last && last.a + last.size === match.a && last.b + last.size === match.b)
      joined[joined.length - 1] = { ...last, size: last.size + match.size };
    else joined.push(match);
  }
  return joined;
}

function placesOf(b: readonly string[]): Map<string, number[]> {
  const places = new Map<string, number[]>();
  for (const [i, line] of b.entries()) {
    const known = places.get(line);
    if (known) known.push(i);
    else places.set(line, [i]);
  }
  if (b.length >= POPULAR_FROM)
    for (const [line, at] of places) if (at.length > Math.trunc(b.length / 100) + 1) places.delete(line);
  return places;
}

/** The longest equal run within the ranges; of several, the one that starts first in a, then in b. */
function longest(
  a: readonly string[],
  b: readonly string[],
  places: ReadonlyMap<string, readonly number[]>,
  a1: number,
  a2: number,
  b1: number,
  b2: number,
): Match {
  let best = { a: a1, b: b1, size: 0 };
  let lengths = new Map<number, number>();
  for (let i = a1; i < a2; i++) {
    const next = new Map<number, number>();
    for (const j of places.get(a[i]!) ?? []) {
      if (j < b1) continue;
      if (j >= b2) break;
      const size = (lengths.get(j - 1) ?? 0) + 1;
      next.set(j, size);
      if (size > best.size) best = { a: i - size + 1, b: j - size + 1, size };
    }
    lengths = next;
  }
  let { a: i, b: j, size } = best;
  for (; i > a1 && j > b1 && a[i - 1] === b[j - 1]; size++) [i, j] = [i - 1, j - 1];
  while (i + size < a2 && j + size < b2 && a[i + size] === b[j + size]) size++;
  return { a: i, b: j, size };
}
