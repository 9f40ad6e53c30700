import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { parsePressure, readPressures } from './stalls.ts';

const MEMORY = 'some avg10=1.50 avg60=0.25 avg300=0.05 total=15170\nfull avg10=0.50 avg60=0.10 avg300=0.00 total=120\n';
const nothing = { total: 0, avg10: 0, avg60: 0, avg300: 0 };

it.each([
  [
    MEMORY,
    {
      some: { total: 15170, avg10: 1.5, avg60: 0.25, avg300: 0.05 },
      full: { total: 120, avg10: 0.5, avg60: 0.1, avg300: 0 },
    },
  ],
  ['some avg10=0.00 avg60=0.00 avg300=0.00 total=7\n', { some: { ...nothing, total: 7 }, full: nothing }],
  ['', { some: nothing, full: nothing }],
])('%j', (text, pressure) => expect(parsePressure(text)).toEqual(pressure));

it('what the kernel does not tell is left out', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'pressure-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  await writeFile(join(directory, 'memory'), MEMORY);
  expect(await readPressures(directory)).toEqual({ memory: parsePressure(MEMORY) });
  expect(await readPressures(join(directory, 'none'))).toEqual({});
});
