/**
 * Texts without what stands at their ends. A pattern such as `/ +$/` looks for the end of each run of spaces within the text, from each
 * of its spaces on: a megabyte of them would take it minutes.
 */

/** @param isOuter whether a character is left out where it stands at an end */
export function trimmed(text: string, isOuter: (character: string) => boolean): string {
  let from = 0;
  while (from < text.length && isOuter(text[from]!)) from++;
  return trimmedEnd(text.slice(from), isOuter);
}

/** The same of its end alone. */
export function trimmedEnd(text: string, isOuter: (character: string) => boolean): string {
  let to = text.length;
  while (to > 0 && isOuter(text[to - 1]!)) to--;
  return text.slice(0, to);
}

/** The same of one character, as the slashes behind a path. */
export const withoutEnd = (text: string, end: string): string => trimmedEnd(text, (character) => character === end);
