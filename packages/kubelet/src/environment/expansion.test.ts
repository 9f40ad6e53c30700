import { describe, expect, it } from 'vitest';
import { expand } from './expansion.ts';

const values: Record<string, string> = { VAR_A: 'A', VAR_B: 'B', EMPTY: '', REF: '$(VAR_A)' };

describe('expand', () => {
  it.each([
    ['$(VAR_A)', 'A'],
    ['---$(VAR_A)---$(VAR_B)', '---A---B'],
    ['$(EMPTY)', ''],
    ['$(MISSING)', '$(MISSING)'],
    ['$(REF)', '$(VAR_A)'],
    ['$$(VAR_A)', '$(VAR_A)'],
    ['$$$(VAR_A)', '$A'],
    ['$$$$(VAR_A)', '$$(VAR_A)'],
    ['$VAR_A', '$VAR_A'],
    ['$(VAR_A', '$(VAR_A'],
    ['foo$', 'foo$'],
    ['$()', '$()'],
    ['$(VAR_A)$(VAR_B)', 'AB'],
  ])('%s', (text, want) => {
    expect(expand(text, (name) => values[name])).toBe(want);
  });
});
