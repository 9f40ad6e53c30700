/** Sets of completion indexes, as a job's status writes them: `0,2,4-7` (pkg/controller/job/indexed_job_utils.go). */

interface Interval {
  readonly first: number;
  readonly last: number;
}

/** Never changed: operations give another one. */
export class Indexes {
  static readonly none = new Indexes([]);
  /** In order, with gaps between them. */
  readonly #intervals: readonly Interval[];

  private constructor(intervals: readonly Interval[]) {
    this.#intervals = intervals;
  }

  /** @param completions indexes from there on are left out; what is no number, too */
  static parse(text: string | undefined, completions: number): Indexes {
    const intervals: Interval[] = [];
    for (const part of (text ?? '').split(',')) {
      const [, from, to = from] = /^(\d+)(?:-(\d+))?$/.exec(part) ?? [];
      if (from === undefined) continue;
      const first = Number(from);
      if (first >= completions) break;
      intervals.push({ first, last: Math.min(Number(to), completions - 1) });
    }
    return new Indexes(merged(intervals));
  }

  static of(indexes: Iterable<number>): Indexes {
    return new Indexes(merged(Array.from(indexes, (index) => ({ first: index, last: index }))));
  }

  union(other: Indexes): Indexes {
    return new Indexes(merged([...this.#intervals, ...other.#intervals]));
  }

  with(indexes: Iterable<number>): Indexes {
    return this.union(Indexes.of(indexes));
  }

  has(index: number): boolean {
    return this.#intervals.some(({ first, last }) => first <= index && index <= last);
  }

  get size(): number {
    return this.#intervals.reduce((size, { first, last }) => size + last - first + 1, 0);
  }

  /** How many indexes are in both. */
  overlap(other: Indexes): number {
    let size = 0;
    for (const a of this.#intervals) {
      for (const b of other.#intervals) size += Math.max(0, Math.min(a.last, b.last) - Math.max(a.first, b.first) + 1);
    }
    return size;
  }

  /** The first `count` indexes below `completions` that are not here. */
  gaps(count: number, completions: number): number[] {
    const found: number[] = [];
    let candidate = 0;
    for (const { first, last } of [...this.#intervals, { first: completions, last: completions }]) {
      for (; candidate < Math.min(first, completions) && found.length < count; candidate++) found.push(candidate);
      candidate = Math.max(candidate, last + 1);
    }
    return found;
  }

  toString(): string {
    return this.#intervals
      .map(({ first, last }) => (first === last ? `${first}` : `${first}${last === first + 1 ? ',' : '-'}${last}`))
      .join(',');
  }
}

function merged(intervals: readonly Interval[]): Interval[] {
  const result: { first: number; last: number }[] = [];
  for (const { first, last } of [...intervals].sort((a, b) => a.first - b.first)) {
    const before = result.at(-1);
    if (before && first <= before.last + 1) before.last = Math.max(before.last, last);
    else result.push({ first, last });
  }
  return result;
}
