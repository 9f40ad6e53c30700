/**
 * The order of a merged list: items that the patch names stand as the patch wants, the others as in the live list, and
 * the two are interleaved by the live list as far as it knows both.
 */

/** How an item is found in other lists. */
export interface Position {
  /** What tells items apart: the value of the merge key, or the item itself. */
  identity(item: unknown): unknown;
  /** Whether the item goes to the end whatever the order says. */
  last(item: unknown): boolean;
}

export interface Parts {
  readonly patched: unknown[];
  readonly others: unknown[];
}

/** The items that stand in `by`, and those that do not. */
export function partition(list: readonly unknown[], by: readonly unknown[], position: Position): Parts {
  const identities = list.map(position.identity);
  const named = new Set(by.map(position.identity));
  const parts: Parts = { patched: [], others: [] };
  for (const [i, item] of list.entries()) (named.has(identities[i]) ? parts.patched : parts.others).push(item);
  return parts;
}

/** `wanted` orders the patched items, `live` the others. */
export function inOrder(
  parts: Parts,
  wanted: readonly unknown[],
  live: readonly unknown[],
  position: Position,
): unknown[] {
  const liveIndex = indexOf(live, position);
  const patched = sort(parts.patched, indexOf(wanted, position), position);
  const others = sort(parts.others, liveIndex, position);
  const result: unknown[] = [];
  let next = 0;
  for (const item of patched) {
    const at = liveIndex(item);
    // Of the others, those go before the item that stand before it in the live list; the first that does not, stops.
    while (next < others.length && at !== undefined) {
      const other = liveIndex(others[next]);
      if (other === undefined || other >= at) break;
      result.push(others[next++]);
    }
    result.push(item);
  }
  return result.concat(others.slice(next));
}

function indexOf(list: readonly unknown[], position: Position): (item: unknown) => number | undefined {
  const index = new Map<unknown, number>();
  for (const [i, item] of list.entries()) {
    const id = position.identity(item);
    if (!index.has(id)) index.set(id, i);
  }
  return (item) => index.get(position.identity(item));
}

interface Placed {
  readonly item: unknown;
  readonly at: number | undefined;
}

function sort(items: readonly unknown[], index: (item: unknown) => number | undefined, position: Position): unknown[] {
  const placed: Placed[] = [];
  const deleted: unknown[] = [];
  for (const item of items) {
    if (position.last(item)) deleted.push(item);
    else placed.push({ item, at: index(item) });
  }
  const sorted = placed.every(({ at }) => at !== undefined) ? placed.sort((a, b) => a.at! - b.at!) : inserted(placed);
  return [...sorted.map(({ item }) => item), ...deleted];
}

/**
 * An insertion sort, since the comparison is no order: where an item is unknown, the later one comes first. Upstream
 * has it so, and its results can be seen.
 */
function inserted(items: readonly Placed[]): Placed[] {
  const sorted: Placed[] = [];
  for (const placed of items) {
    let place = sorted.length;
    while (place > 0 && isBefore(placed.at, sorted[place - 1]!.at)) place--;
    sorted.splice(place, 0, placed);
  }
  return sorted;
}
function isBefore(a: number | undefined, b: number | undefined): boolean {
  return a === undefined || b === undefined || a < b;
}
