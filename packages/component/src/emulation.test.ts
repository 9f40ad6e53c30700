import { expect, it } from 'vitest';
import { effectiveVersion, showRelease, versionErrors } from './emulation.ts';

// The words of kube-apiserver 1.36.
it.each<[emulated: string[], minCompatible: string[], expected: string]>([
  [[], [], '1.36 1.35'],
  [['1.36'], [], '1.36 1.35'],
  [['kube = v1.35.0'], [], '1.35 1.34'],
  [['1.033'], [], '1.33 1.33'],
  [['1.35'], ['1.33'], '1.35 1.33'],
  [['1.37'], [], 'emulation version 1.37 is not between [1.33, 1.36.0]'],
  [['2.0'], [], 'emulation version 2.0 is not between [1.33, 1.36.0]'],
  [
    ['1.32'],
    [],
    'emulation version 1.32 is not between [1.33, 1.36.0], minCompatibilityVersion version 1.33 is not between [1.33, 1.32]',
  ],
  [['1.35'], ['1.36'], 'minCompatibilityVersion version 1.36 is not between [1.33, 1.35]'],
  [['1.33'], ['1.30'], 'minCompatibilityVersion version 1.30 is not between [1.33, 1.33]'],
  [['1.35.2'], [], 'patch version not allowed, got: kube=1.35.2'],
  [['x'], [], 'could not parse "x" as version'],
  [['1'], [], 'illegal version string "1"'],
  [['01.35'], [], 'illegal zero-prefixed version component "01" in "01.35"'],
  [['wardle=1.35'], [], 'component not registered: wardle'],
  [['1.35', 'kube=1.34'], [], 'duplicate version flag, kube=1.35 and kube=1.34'],
])('%j and %j: %s', (emulated, minCompatible, expected) => {
  expect(outcomeOf(emulated, minCompatible)).toBe(expected);
});

function outcomeOf(emulated: readonly string[], minCompatible: readonly string[]): string {
  try {
    const version = effectiveVersion(emulated, minCompatible);
    const errors = versionErrors(version);
    return errors.join(', ') || `${showRelease(version.emulated)} ${showRelease(version.minCompatible)}`;
  } catch (error) {
    return (error as Error).message;
  }
}
