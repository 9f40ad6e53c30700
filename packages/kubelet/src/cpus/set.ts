/** Sets of CPUs, and how the kernel and upstream write them: `0-3,8` (k8s.io/utils/cpuset). */

export type CpuSet = ReadonlySet<number>;

export const NO_CPUS: CpuSet = new Set();

/** @throws Error in Go's words */
export function parseCpus(text: string): CpuSet {
  if (text === '') return NO_CPUS;
  return new Set(
    text.split(',').flatMap((range) => {
      const ends = range.split('-').map(parseNumber);
      const [first = 0, last = first] = ends;
      if (ends.length > 2) throw invalid(range);
      if (last < first) throw new Error(`invalid range "${range}" (${last} < ${first})`);
      return Array.from({ length: last - first + 1 }, (_, index) => first + index);
    }),
  );
}

/** Ranges in the order of their numbers; empty for none. */
export function formatCpus(cpus: CpuSet): string {
  const ranges: [number, number][] = [];
  for (const id of sorted(cpus)) {
    const last = ranges.at(-1);
    if (last && last[1] === id - 1) last[1] = id;
    else ranges.push([id, id]);
  }
  return ranges.map(([first, last]) => (first === last ? String(first) : `${first}-${last}`)).join(',');
}

export const sorted = (cpus: Iterable<number>): number[] => [...cpus].sort((a, b) => a - b);

export function union(...sets: readonly Iterable<number>[]): CpuSet {
  return new Set(sets.flatMap((each) => [...each]));
}

export function without(cpus: CpuSet, taken: CpuSet): CpuSet {
  return new Set([...cpus].filter((id) => !taken.has(id)));
}

export function common(a: CpuSet, b: CpuSet): CpuSet {
  return new Set([...a].filter((id) => b.has(id)));
}

export function isEqual(a: CpuSet, b: CpuSet): boolean {
  return a.size === b.size && [...a].every((id) => b.has(id));
}

function parseNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw invalid(text);
  return Number(text);
}

function invalid(text: string): Error {
  return new Error(`strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`);
}
