/** Sets of indexes as text: `1,3-5,7`. */

type Interval = readonly [first: number, last: number];

/** @returns how many indexes there are. @throws Error when the text is no such set */
export function countIndexes(text: string, completions: number): number {
  if (text === '') return 0;
  let previous: number | undefined;
  let total = 0;
  for (const part of text.split(',')) {
    const [first, last] = parseInterval(part, completions);
    if (previous !== undefined && previous >= first) throw notIncreasing(previous, first);
    total += last - first + 1;
    previous = last;
  }
  return total;
}

/** The message when both sets hold an index; intervals that cannot be read are passed over. */
export function overlap(completed: string, failed: string, completions: number): string | undefined {
  const [these, those] = [completed, failed].map((text) => readableIntervals(text, completions)) as [
    Interval[],
    Interval[],
  ];
  for (let i = 0, j = 0; i < these.length && j < those.length; ) {
    const [[first, last], [otherFirst, otherLast]] = [these[i]!, those[j]!];
    if (first <= otherLast && otherFirst <= last)
      return `failedIndexes and completedIndexes overlap at index: ${Math.max(first, otherFirst)}`;
    if (first <= otherFirst) i++;
    else j++;
  }
  return undefined;
}

function readableIntervals(text: string, completions: number): Interval[] {
  return text.split(',').flatMap((part) => {
    try {
      return [parseInterval(part, completions)];
    } catch {
      return [];
    }
  });
}

function parseInterval(text: string, completions: number): Interval {
  const limits = text.split('-');
  if (limits.length > 2)
    throw new Error(
      `the fragment ${JSON.stringify(text)} violates the requirement that an index interval can have at most two parts separated by '-'`,
    );
  const first = parseIndex(limits[0]!, completions);
  if (limits.length === 1) return [first, first];
  const last = parseIndex(limits[1]!, completions);
  if (first >= last) throw notIncreasing(first, last);
  return [first, last];
}

/** Go's int. */
const MAX_INT = 2n ** 63n - 1n;

function parseIndex(text: string, completions: number): number {
  if (!/^\+?[0-9]+$/.test(text) || BigInt(text.replace('+', '')) > MAX_INT)
    throw new Error(`cannot convert string to integer for index: ${JSON.stringify(text)}`);
  const index = Number(text);
  if (index >= completions) throw new Error(`too large index: ${JSON.stringify(text)}`);
  return index;
}

function notIncreasing(previous: number, current: number): Error {
  return new Error(`non-increasing order, previous: ${previous}, current: ${current}`);
}
