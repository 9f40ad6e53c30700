import { expect, test } from 'vitest';
import { createLogger, type LoggerOptions } from './logger.ts';
import { Verbosity } from './verbosity.ts';

function lines(options: Partial<LoggerOptions>): string[] {
  const written: string[] = [];
  const log = createLogger({
    format: 'text',
    verbosity: new Verbosity(),
    component: 'apiserver',
    pid: 42,
    now: () => new Date(2026, 0, 2, 3, 4, 5, 6),
    write: (line) => written.push(line),
    ...options,
  });
  log.debug({}, 'detail');
  log.info({ port: 6443 }, 'Serving');
  log.warn({ flags: ['a', 'b'] }, 'No effect');
  log.error({ err: new Error('no "etcd"'), at: new Date(0), gone: undefined }, 'command failed');
  return written;
}

const head = '0102 03:04:05.006000      42 apiserver]';

test.each([
  [0, ['W', 'E']],
  [2, ['I', 'W', 'E']],
  [4, ['I', 'I', 'W', 'E']],
])('verbosity %d shows %j', (verbosity, severities) => {
  expect(lines({ verbosity: new Verbosity(verbosity) }).map((line) => line[0])).toEqual(severities);
});

test("text is klog's", () => {
  expect(lines({ verbosity: new Verbosity(2) })).toEqual([
    `I${head} "Serving" port=6443\n`,
    `W${head} "No effect" flags=["a","b"]\n`,
    `E${head} "command failed" err="no \\"etcd\\"" at="1970-01-01T00:00:00.000Z" gone=undefined\n`,
  ]);
});

test('JSON is one object a line', () => {
  const ts = new Date(2026, 0, 2, 3, 4, 5, 6).getTime();
  expect(lines({ format: 'json', verbosity: new Verbosity(2) }).map((line) => JSON.parse(line))).toEqual([
    { ts, caller: 'apiserver', msg: 'Serving', v: 2, port: 6443 },
    { ts, caller: 'apiserver', msg: 'No effect', v: 0, flags: ['a', 'b'] },
    { ts, caller: 'apiserver', msg: 'command failed', err: 'no "etcd"', at: '1970-01-01T00:00:00.000Z' },
  ]);
});

test.each([
  ['text', ['info', 'error', 'error']],
  ['json', ['info', 'info', 'error']],
] as const)('streams of %s', (format, streams) => {
  const written: string[] = [];
  lines({ format, verbosity: new Verbosity(2), write: (_, stream) => written.push(stream) });
  expect(written).toEqual(streams);
});
