/** The Range header (RFC 9110, 14.2), read as Go's net/http does. */
export interface Range {
  readonly start: number;
  readonly length: number;
}

const DIGITS = /^\d+$/;

/**
 * The ranges of `bytes=0-9,-5` within so many bytes; those that begin beyond them are left out.
 * @returns `malformed` for what is none, `beyond` where all begin beyond the end
 */
export function parseRanges(header: string, size: number): readonly Range[] | 'malformed' | 'beyond' {
  const prefix = 'bytes=';
  if (!header.startsWith(prefix)) return 'malformed';
  const ranges: Range[] = [];
  let isAnyBeyond = false;
  for (const text of header
    .slice(prefix.length)
    .split(',')
    .map((part) => part.trim())) {
    if (text === '') continue;
    const dash = text.indexOf('-');
    if (dash < 0) return 'malformed';
    const [first, last] = [text.slice(0, dash).trim(), text.slice(dash + 1).trim()];
    if (first === '') {
      if (!DIGITS.test(last)) return 'malformed';
      const length = Math.min(Number(last), size);
      ranges.push({ start: size - length, length });
      continue;
    }
    if (!DIGITS.test(first) || (last !== '' && !DIGITS.test(last))) return 'malformed';
    const start = Number(first);
    if (start >= size) {
      isAnyBeyond = true;
      continue;
    }
    if (last !== '' && start > Number(last)) return 'malformed';
    const end = last === '' ? size - 1 : Math.min(Number(last), size - 1);
    ranges.push({ start, length: end - start + 1 });
  }
  return isAnyBeyond && ranges.length === 0 ? 'beyond' : ranges;
}
