import { isDNS1123Label } from '@keelson/api/validation/names';

/** For kinds whose name becomes part of their pods' names, though it may be longer than such a name. */
export function warningsForPodNames(name: string): string[] {
  const problems = isDNS1123Label(name);
  if (problems.length === 0) return [];
  return [
    `metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended: [${problems.join(' ')}]`,
  ];
}
