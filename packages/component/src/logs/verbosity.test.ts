import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { createLogger, type Logger } from './logger.ts';
import { Verbosity } from './verbosity.ts';

function logged(pattern: string, level: number, log: (logger: Logger) => void, v = 0): string[] {
  const written: string[] = [];
  const verbosity = new Verbosity(v, [{ pattern, level }]);
  const write = (line: string) => written.push(/"(.*)"/.exec(line)![1]!);
  log(createLogger({ format: 'text', verbosity, component: 'c', pid: 1, now: () => new Date(0), write }));
  return written;
}

const both = (logger: Logger) => {
  logger.info({}, 'info');
  logger.debug({}, 'debug');
};

test.each([
  ['verbosity.test', 4, ['info', 'debug']],
  ['verbosity.test', 2, ['info']],
  ['verbosity.test', 1, []],
  ['verb*', 4, ['info', 'debug']],
  ['verb?sity.test', 2, ['info']],
  ['[a-w]erb*', 2, ['info']],
  ['[^a-u]erb*', 2, ['info']],
  ['[^v]erb*', 2, []],
  ['verbosity\\.test', 2, ['info']],
  ['verbosity', 4, []],
  ['verbosity+test', 4, []],
  ['[', 4, []],
  ['*[', 4, []],
])('--vmodule=%s=%d', (pattern, level, shown) => {
  expect(logged(pattern, level, both)).toEqual(shown);
});

test('--vmodule hides nothing', () => {
  expect(logged('verbosity.test', 1, both, 4)).toEqual(['info', 'debug']);
});

test('the first module that matches decides; the level may change', () => {
  const verbosity = new Verbosity(0, [
    { pattern: 'verb*', level: 2 },
    { pattern: '*', level: 4 },
  ]);
  const callee = (level: number): boolean => verbosity.shows(level, callee);
  expect([callee(2), callee(4)]).toEqual([true, false]);
  verbosity.level = 4;
  expect(callee(4)).toBe(true);
});

test.each(['// packages/a/dist/second.js', '//#region packages/a/src/second.ts'])(
  'modules of a bundle are known by what stands above them: %s',
  async (heading) => {
    const file = join(mkdtempSync(join(tmpdir(), 'bundle-')), 'index-AbC.mjs');
    writeFileSync(
      file,
      `// packages/a/dist/first.js\nexport const one = (l) => l.info({}, 'first');\n${heading}\nexport const two = (l) => l.info({}, 'second');\n`,
    );
    const { one, two } = await import(/* @vite-ignore */ pathToFileURL(file).href);
    const log = (logger: Logger) => {
      one(logger);
      two(logger);
    };
    expect(logged('second', 2, log)).toEqual(['second']);
    expect(logged('first', 2, log)).toEqual(['first']);
    expect(logged('index*', 2, log)).toEqual([]);
  },
);
