import { appendFile, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@keelson/api/clock';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type LogOptions, readLog } from './logs.ts';

let directory: string;
let path: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'keelson-logs-'));
  path = join(directory, '0.log');
});
afterEach(() => rm(directory, { recursive: true }));

const lines = [
  '2026-01-01T00:00:01.000000001Z stdout F one',
  '2026-01-01T00:00:02.5Z stderr F two',
  '2026-01-01T00:00:03Z stdout P thr',
  '2026-01-01T00:00:03Z stdout F ee',
];
const plain: LogOptions = { follow: false, timestamps: false, stream: 'All' };

async function read(options: Partial<LogOptions>, isRunning = false): Promise<string> {
  const following = { clock: systemClock, signal: new AbortController().signal, isRunning: async () => isRunning };
  const chunks: Buffer[] = [];
  for await (const chunk of readLog({ type: 'file', path }, { ...plain, ...options }, following)) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

test.each<[string, Partial<LogOptions>, string]>([
  ['all of it, parts of a line joined', {}, 'one\ntwo\nthree\n'],
  ['one stream', { stream: 'Stderr' }, 'two\n'],
  [
    'with times',
    { timestamps: true, tailLines: 3 },
    '2026-01-01T00:00:02.5Z two\n2026-01-01T00:00:03Z thr2026-01-01T00:00:03Z ee\n',
  ],
  ['since', { since: Date.parse('2026-01-01T00:00:02Z') }, 'two\nthree\n'],
  ['the last lines', { tailLines: 1 }, 'ee\n'],
  ['none of them', { tailLines: 0 }, ''],
  ['more than there are', { tailLines: 99 }, 'one\ntwo\nthree\n'],
  ['no more than so many bytes', { limitBytes: 6 }, 'one\ntw'],
])('%s', async (_, options, expected) => {
  await writeFile(path, `${lines.join('\n')}\n`);
  expect(await read(options)).toBe(expected);
});

test('a tail that begins in the middle of a large file', async () => {
  const many = Array.from({ length: 5000 }, (_, i) => `2026-01-01T00:00:00Z stdout F line ${i}`);
  await writeFile(path, `${many.join('\n')}\n`);
  expect(await read({ tailLines: 2 })).toBe('line 4998\nline 4999\n');
});

test('one that is followed goes on into the file that takes its place, until the container ends', async () => {
  await writeFile(path, `${lines[0]}\n`);
  let runs = true;
  const following = { clock: systemClock, signal: new AbortController().signal, isRunning: async () => runs };
  const seen: string[] = [];
  for await (const chunk of readLog({ type: 'file', path }, { ...plain, follow: true }, following)) {
    seen.push(chunk.toString());
    if (seen.length === 1) await appendFile(path, `${lines[1]}\n`);
    if (seen.length === 2) {
      await rename(path, `${path}.1`);
      await writeFile(path, '2026-01-01T00:00:04Z stdout F after\n');
    }
    if (seen.length === 3) runs = false;
  }
  expect(seen).toEqual(['one\n', 'two\n', 'after\n']);
});

test('lines that were thought up', async () => {
  const source = {
    type: 'lines',
    lines: ['a', 'b'].map((text) => ({ at: 0, stream: 'stdout', text }) as const),
  } as const;
  const following = { clock: systemClock, signal: new AbortController().signal, isRunning: async () => false };
  const chunks: string[] = [];
  for await (const chunk of readLog(source, { ...plain, tailLines: 1, timestamps: true }, following))
    chunks.push(String(chunk));
  expect(chunks).toEqual(['1970-01-01T00:00:00.000Z b\n']);
});
