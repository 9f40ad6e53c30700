/** How much the whole machine waits for what it runs out of: `/proc/pressure` (Documentation/accounting/psi.rst). */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pressure, Stall } from '../runtime/stats.ts';

const RESOURCES = ['cpu', 'memory', 'io'] as const;
const DIRECTORY = '/proc/pressure';

export type MachinePressures = Readonly<Partial<Record<(typeof RESOURCES)[number], Pressure>>>;

/** Without what the kernel does not tell: it was built without, or started with `psi=0`. */
export async function readPressures(directory = DIRECTORY): Promise<MachinePressures> {
  const read = async (resource: string) => {
    const text = await readFile(join(directory, resource), 'utf8').catch(() => undefined);
    return [resource, text === undefined ? undefined : parsePressure(text)] as const;
  };
  const all = await Promise.all(RESOURCES.map(read));
  return Object.fromEntries(all.filter(([, pressure]) => pressure !== undefined));
}

const NOTHING: Stall = { total: 0, avg10: 0, avg60: 0, avg300: 0 };

/** `some avg10=0.50 avg60=0.00 avg300=0.00 total=1200` and the same of `full`, which older kernels leave out for processors */
export function parsePressure(text: string): Pressure {
  const pressure = { some: NOTHING, full: NOTHING };
  for (const line of text.split('\n')) {
    const [kind, ...pairs] = line.split(' ');
    if (kind !== 'some' && kind !== 'full') continue;
    const figures = Object.fromEntries(
      pairs.map((pair) => pair.split('=')).map(([name, value]) => [name, Number(value)]),
    );
    pressure[kind] = { ...NOTHING, ...figures };
  }
  return pressure;
}
