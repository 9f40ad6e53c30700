/** Semantic versions (semver.org 2.0) as blang/semver reads them: strictly, without a leading `v`. */

export interface Semver {
  readonly numbers: readonly [bigint, bigint, bigint];
  readonly prerelease: readonly string[];
}

const NUMBER = '(0|[1-9]\\d*)';
const IDENTIFIER = '(?:0|[1-9]\\d*|\\d*[a-zA-Z-][0-9a-zA-Z-]*)';
const SEMVER = new RegExp(
  `^${NUMBER}\\.${NUMBER}\\.${NUMBER}(?:-(${IDENTIFIER}(?:\\.${IDENTIFIER})*))?(?:\\+[0-9a-zA-Z-]+(?:\\.[0-9a-zA-Z-]+)*)?$`,
);
const ZERO: Semver = { numbers: [0n, 0n, 0n], prerelease: [] };

/** Undefined where the text is no semantic version. */
export function parseSemver(text: string): Semver | undefined {
  const match = SEMVER.exec(text);
  if (!match) return undefined;
  return {
    numbers: [BigInt(match[1]!), BigInt(match[2]!), BigInt(match[3]!)],
    prerelease: match[4]?.split('.') ?? [],
  };
}

/** Negative when a comes before b. Undefined counts as 0.0.0; build metadata does not count. */
export function compareSemver(a: Semver = ZERO, b: Semver = ZERO): number {
  for (const i of [0, 1, 2] as const) if (a.numbers[i] !== b.numbers[i]) return a.numbers[i] < b.numbers[i] ? -1 : 1;
  return comparePrerelease(a.prerelease, b.prerelease);
}

export function isZeroSemver(version: Semver | undefined): boolean {
  return compareSemver(version) === 0;
}

function comparePrerelease(a: readonly string[], b: readonly string[]): number {
  if (a.length === 0 || b.length === 0) return Number(b.length > 0) - Number(a.length > 0);
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const order = compareIdentifier(a[i]!, b[i]!);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

/** Numbers by value and before words. */
function compareIdentifier(a: string, b: string): number {
  const [na, nb] = [/^\d+$/.test(a), /^\d+$/.test(b)];
  if (na && nb) return BigInt(a) < BigInt(b) ? -1 : Number(a !== b);
  if (na !== nb) return na ? -1 : 1;
  return a < b ? -1 : Number(a !== b);
}
