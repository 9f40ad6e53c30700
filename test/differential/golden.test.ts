/**
 * Mutants of every kind, and upstream's fixtures, are answered as kube-apiserver has answered them. To record the answers
 * anew: npm run differential -- --reference URL --token TOKEN --record --runs 8
 */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiServer, startApiServer } from '../support/api-server.ts';
import { type Case, Subject } from './cases.ts';
import { difference } from './compare.ts';
import { GOLDEN_FILE, type Golden, REFERENCE_FLAGS, unpackGolden } from './golden.ts';
import { fixtureSeeds, seeds } from './objects.ts';

const JOBS = 16;

describe.skipIf(process.env.KUBE_APISERVER !== undefined)('mutants', () => {
  const golden = unpackGolden(readFileSync(GOLDEN_FILE));
  const valid = seeds();
  const byName = new Map([...valid, ...fixtureSeeds()].map((seed) => [seed.name, seed]));
  let server: ApiServer;
  let subject: Subject;

  beforeAll(async () => {
    server = await startApiServer('memory', REFERENCE_FLAGS);
    subject = new Subject({ url: server.url, token: server.token });
    await subject.prepare([...byName.values()]);
  }, 60_000);
  afterAll(() => server?.stop());

  async function differing(chosen: readonly Golden[]): Promise<string[]> {
    const rest = [...chosen];
    const found: string[] = [];
    const worker = async (): Promise<void> => {
      for (let one = rest.pop(); one; one = rest.pop()) {
        const asked: Case = { ...one, seed: byName.get(one.seed)! };
        const what = difference(one.want, await subject.ask(asked));
        if (what)
          found.push(`${one.seed} ${JSON.stringify(one.mutations)}: ${what.outline}\n${what.details.join('\n')}`);
      }
    };
    await Promise.all(Array.from({ length: JOBS }, worker));
    return found;
  }

  test('are created, or not', async () => {
    expect(await differing(golden.filter(({ verb }) => verb === 'create'))).toEqual([]);
  }, 120_000);

  test('replace what they were made of, or not', async () => {
    await subject.plant(valid);
    expect(await differing(golden.filter(({ verb }) => verb !== 'create'))).toEqual([]);
  }, 120_000);
});
