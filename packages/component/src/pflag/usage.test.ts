import { expect, test } from 'vitest';
import type { FlagTable } from './flags.ts';
import { usage } from './usage.ts';

const table = {
  'data-dir': { type: 'string', section: 'Store' },
  port: { type: 'int', section: 'Serving', default: '6443' },
  name: { type: 'string', section: 'Serving', default: 'a b' },
  gone: { type: 'bool', section: 'Serving', deprecated: true },
  help: { type: 'bool', section: 'Global', shorthand: 'h' },
  version: { type: 'version', section: 'Global' },
} as const satisfies FlagTable;

const descriptions = {
  port: 'Where to listen, on this machine and on no other.',
  help: 'Show this.',
  'data-dir': 'Where.',
};

test('a heading for each section, aligned, with defaults, without what is deprecated', () => {
  expect(usage(table, descriptions, 0)).toBe(`
Store flags:

      --data-dir string   Where.

Serving flags:

      --port int      Where to listen, on this machine and on no other. (default 6443)
      --name string   (default "a b")

Global flags:

  -h, --help                     Show this.
      --version version[=true]
`);
});

test.each([
  [
    50,
    [
      '      --port int      Where to listen, on this',
      '                      machine and on no other.',
      '                      (default 6443)',
    ],
  ],
  [
    40,
    [
      '      --port int',
      '            Where to listen, on this',
      '            machine and on no other.',
      '            (default 6443)',
    ],
  ],
])('long lines are wrapped at %d columns', (columns, lines) => {
  expect(usage(table, descriptions, columns)).toContain(`\n${lines.join('\n')}\n`);
});
