/**
 * Which of many paths are the same or lie below each other. In the order of their text what lies below a path stands right behind it:
 *
 *     a/   a/b/   a/b/   a/c/   d/          a/ reaches over four places, a/b/ over two and has a/ above it
 */

import { compareStrings } from '@keelson/api/codec/go-order';

/** Paths that are the same. */
interface Place {
  /** Where the paths are in the list that was given, in order. */
  readonly indexes: number[];
  readonly above: Place | undefined;
  /** The places that lie below it begin behind its own and end before this one. */
  end: number;
}

/**
 * Pairs of paths of which one is the other, or a folder of it: in the order of the later one, then of the earlier. To find one takes
 * as long as there are paths at most.
 * @param paths without a slash at their ends; empty ones are in no pair
 */
export function* nestedPairs(paths: readonly string[]): Generator<readonly [later: number, earlier: number]> {
  const { places, placeOf } = placesOf(paths);
  for (const [index, at] of placeOf.entries()) {
    if (at < 0) continue;
    const earlier: number[] = [];
    const look = ({ indexes }: Place): void => {
      for (const other of indexes) {
        if (other >= index) break;
        earlier.push(other);
      }
    };
    const own = places[at]!;
    for (let place = own.above; place; place = place.above) look(place);
    for (let i = at; i < own.end; i++) look(places[i]!);
    for (const other of earlier.sort((a, b) => a - b)) yield [index, other];
  }
}

/** @returns the places in order, and for each path where its place is, −1 for an empty one */
function placesOf(paths: readonly string[]): {
  readonly places: readonly Place[];
  readonly placeOf: readonly number[];
} {
  const keys = paths.map((path) => `${path}/`);
  const order = [...keys.keys()]
    .filter((i) => paths[i] !== '')
    .sort((a, b) => compareStrings(keys[a]!, keys[b]!) || a - b);
  const places: Place[] = [];
  const placeOf = new Array<number>(paths.length).fill(-1);
  const open: { readonly key: string; readonly place: Place }[] = [];
  for (const index of order) {
    const key = keys[index]!;
    while (open.length > 0 && !key.startsWith(open.at(-1)!.key)) open.pop()!.place.end = places.length;
    const last = open.at(-1);
    if (last?.key === key) last.place.indexes.push(index);
    else {
      const place = { indexes: [index], above: last?.place, end: 0 };
      places.push(place);
      open.push({ key, place });
    }
    placeOf[index] = places.length - 1;
  }
  for (const { place } of open) place.end = places.length;
  return { places, placeOf };
}
