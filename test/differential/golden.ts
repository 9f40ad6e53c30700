/** What kube-apiserver has answered, kept for tests on machines without one. */
import path from 'node:path';
import zlib from 'node:zlib';
import type { Verb } from './cases.ts';
import type { Mutation } from './mutate.ts';
import type { Answer } from './wire.ts';

/** Written by main.ts with --record. */
export const GOLDEN_FILE = path.join(import.meta.dirname, 'golden.json.br');

/** How the reference was started. */
export const REFERENCE_FLAGS = [
  '--service-cluster-ip-range=10.0.0.0/24',
  '--enable-priority-and-fairness=false',
  '--allow-privileged=true',
  '--runtime-config=api/all=true',
];

export interface Golden {
  readonly seed: string;
  readonly verb: Verb;
  readonly mutations: readonly Mutation[];
  readonly want: Answer;
}

export function packGolden(cases: readonly Golden[]): Buffer {
  const order = (one: Golden): string => `${one.verb} ${one.seed} ${JSON.stringify(one.mutations)}`;
  const sorted = cases.toSorted((a, b) => (order(a) < order(b) ? -1 : 1));
  const params = { [zlib.constants.BROTLI_PARAM_LGWIN]: 24 };
  return zlib.brotliCompressSync(sorted.map((one) => JSON.stringify(one)).join('\n'), { params });
}

export function unpackGolden(packed: Buffer): Golden[] {
  const lines = zlib.brotliDecompressSync(packed).toString().split('\n');
  return lines.map((line) => JSON.parse(line) as Golden);
}
