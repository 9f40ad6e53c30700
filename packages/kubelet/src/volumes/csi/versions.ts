/** Versions of CSI that a driver speaks (HighestSupportedVersion in k8s.io/apimachinery/pkg/util/version). */

/** The highest of 1.x. @throws Error where there is none */
export function highestVersion(versions: readonly string[]): readonly number[] {
  let highest: readonly number[] | undefined;
  let problem = '<nil>';
  for (const text of versions.toReversed()) {
    const numbers = numbersOf(text);
    if (!numbers) problem = `could not parse "${text}" as version`;
    else if (numbers[0]! <= 1 && (!highest || isNewer(numbers, highest))) highest = numbers;
  }
  if (!highest) {
    const reported = `[${versions.join(' ')}]`;
    throw new Error(`could not find a highest supported version from versions (${reported}) reported: ${problem}`);
  }
  if (highest[0] !== 1) throw new Error(`highest supported version reported is ${highest.join('.')}, must be v1.x`);
  return highest;
}

/** Whether `a` is, number by number; what is not there counts as 0. */
export function isNewer(a: readonly number[], b: readonly number[]): boolean {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return false;
}

function numbersOf(text: string): readonly number[] | undefined {
  const found = /^\s*v?(\d+(?:\.\d+)+)/.exec(text);
  return found?.[1]?.split('.').map(Number);
}
