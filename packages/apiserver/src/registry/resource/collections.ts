/** Bounded lists, sets and maps. What is too large is not looked into. Compare pkg/apis/resource/validation. */
import { duplicate, type ErrorList, type Path, tooMany } from '@keelson/api/field';

type ItemRule<T> = (item: T, path: Path) => ErrorList;

export function validateList<T>(
  items: readonly T[] | null | undefined,
  max: number,
  rule: ItemRule<T>,
  path: Path,
): ErrorList {
  const count = items?.length ?? 0;
  if (count > max) return [tooMany(path, count, max)];
  return (items ?? []).flatMap((item, i) => rule(item, path.index(i)));
}

/**
 * A list without duplicates; those come after all that is wrong with single items.
 * @param key what makes an item one of its kind, as text
 * @param shown the key as the message shows it
 */
export function validateSet<T>(
  items: readonly T[] | null | undefined,
  max: number,
  rule: ItemRule<T>,
  key: (item: T) => string,
  path: Path,
  shown: (item: T) => unknown = key,
): ErrorList {
  const errors = validateList(items, max, rule, path);
  if ((items?.length ?? 0) > max) return errors;
  return [...errors, ...duplicatesIn(items ?? [], key, path, shown)];
}

export function duplicatesIn<T>(
  items: readonly T[],
  key: (item: T) => string,
  path: Path,
  shown: (item: T) => unknown = key,
): ErrorList {
  const seen = new Set<string>();
  return items.flatMap((item, i) => {
    const id = key(item);
    if (seen.has(id)) return [duplicate(path.index(i), shown(item))];
    seen.add(id);
    return [];
  });
}

/**
 * @param keyRule what is wrong with a key is said of the map itself
 * @param maxKey bytes of a key that paths show; longer ones lose their middle
 */
export function validateMap<T>(
  map: Readonly<Record<string, T>> | null | undefined,
  max: number,
  maxKey: number,
  keyRule: ItemRule<string>,
  rule: ItemRule<T>,
  path: Path,
): ErrorList {
  const entries = Object.entries(map ?? {});
  if (entries.length > max) return [tooMany(path, entries.length, max)];
  return entries.flatMap(([key, item]) => [...keyRule(key, path), ...rule(item, path.key(shorten(key, maxKey)))]);
}

const ELLIPSIS = '...';

function shorten(text: string, max: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= max) return text;
  const rest = max - ELLIPSIS.length;
  const [head, tail] = [bytes.subarray(0, Math.floor((rest + 1) / 2)), bytes.subarray(-Math.floor(rest / 2))];
  return `${head}${ELLIPSIS}${tail}`;
}
