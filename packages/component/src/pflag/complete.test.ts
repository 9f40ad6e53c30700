import { expect, test } from 'vitest';
import { completionsOf, type Vocabulary } from './complete.ts';
import { type FlagError, type FlagTable, parseFlags } from './flags.ts';

const flags = {
  storage: { type: 'string', section: 'A', values: ['lmdb', 'memory'] },
  config: { type: 'string', section: 'A', shorthand: 'c' },
  nodes: { type: 'int', section: 'A' },
  force: { type: 'bool', section: 'A', shorthand: 'f' },
  gone: { type: 'bool', section: 'A', deprecated: true },
} as const satisfies FlagTable;

const vocabulary: Vocabulary = {
  flags,
  descriptions: { nodes: 'How many.' },
  words: [
    { name: 'phase', summary: 'One.', words: [{ name: 'certs', summary: '', words: [{ name: 'ca', summary: '' }] }] },
    { name: 'plan', summary: 'Two.' },
  ],
};

test.each<[string[], string[], boolean?]>([
  [[''], ['phase', 'plan']],
  [['pl'], ['plan']],
  [['phase', ''], ['certs']],
  [['--force', 'phase', '-f', 'certs', ''], ['ca']],
  [['--nodes', '3', 'phase', 'c'], ['certs']],
  [
    ['--nodes=3', 'p'],
    ['phase', 'plan'],
  ],
  [['phase', 'nobody', ''], []],
  [['-'], ['--storage', '--config', '--nodes', '--force']],
  [['plan', '--n'], ['--nodes']],
  [
    ['--storage', ''],
    ['lmdb', 'memory'],
  ],
  [['--storage=m'], ['--storage=memory']],
  [['--force=f'], ['--force=false']],
  [['--config', ''], [], true],
  [['-c', 'x'], [], true],
  [['--config=x'], [], true],
  [['--nodes', ''], []],
  [['--nope=x'], []],
  [['--', '--n'], []],
])('%j', (line, texts, files = false) => {
  const found = completionsOf(vocabulary, line);
  expect([found.candidates.map(({ text }) => text), found.files]).toEqual([texts, files]);
});

test('what is said of flags and words comes along', () => {
  expect(completionsOf(vocabulary, ['--nodes']).candidates).toEqual([{ text: '--nodes', description: 'How many.' }]);
  expect(completionsOf(vocabulary, ['pl']).candidates).toEqual([{ text: 'plan', description: 'Two.' }]);
});

test.each([
  ['--nodse', '--nodes'],
  ['--stor', '--storage'],
  ['--Nodes', '--nodes'],
  ['--x', undefined],
  ['--something-else', undefined],
])('for %s may have been meant: %s', (given, meant) => {
  try {
    parseFlags(flags, [given]);
    expect.unreachable();
  } catch (error) {
    expect((error as FlagError).meant).toBe(meant);
  }
});
