import { expect, test } from 'vitest';
import { versionProblem } from './version.ts';

test.each([
  ['v1.36.1', 'v1.36.2', undefined],
  ['v1.35.7', 'v1.36.2', undefined],
  ['v1.36.9', 'v1.36.2', undefined],
  ['v1.34.0', 'v1.36.2', 'Specified version to upgrade to "v1.36.2" is too high'],
  ['v1.38.0', 'v1.36.2', 'Specified version to downgrade to "v1.36.2" is too low'],
  ['v1.36.2', 'v1.37.0', 'at least one minor release higher than this one (37 > 36)'],
  ['v1.36.2', 'v1.35.0', 'This release can only be used to upgrade to Kubernetes version 1.36'],
  ['v1.36.2', 'v1.36.3', 'is higher than that of this release, v1.36.2'],
  ['v1.36.2', 'latest', '"latest" is no version'],
])('from %s to %s', (from, to, problem) => {
  const found = versionProblem(from, to, 'v1.36.2');
  if (problem === undefined) expect(found).toBeUndefined();
  else expect(found).toContain(problem);
});
