/**
 * The short form that CI runs: has a request become much more expensive? What counts is CPU time beside that of a server
 * which does nothing (node:http2 echoing over TLS), measured in turns, and of each the cheapest round: neither the machine's
 * speed nor what else it does matters much. Fails when a ratio has fallen by more than a third of what `ci.json` says.
 *
 *   npm run bench:ci -- [--write]
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { h2load } from './load/h2load.ts';
import { LARGE, SMALL, startEcho } from './raw/limits.ts';
import { apiServer } from './servers/apiserver.ts';
import { cpuSeconds } from './servers/usage.ts';
import { configMap, ensureConfigMaps, ensurePods, JSON_BODY, NAMESPACE } from './workloads/fixtures.ts';

const ROUNDS = 8;
/** By how much a ratio may fall, beyond which it is no noise. */
const ALLOWED = 1 / 3;
const OBJECTS = 1000;
const RECORD = join(import.meta.dirname, 'ci.json');

type Ratios = Record<'get' | 'create' | 'list', number>;

const directory = mkdtempSync(join(tmpdir(), 'keelson-bench-'));
const keelson = apiServer({
  name: 'keelson',
  command: [resolve(import.meta.dirname, '../bin/kube-apiserver')],
  node: false,
});
const [echo, server] = await Promise.all([startEcho(), keelson.start(directory)]);
const objects = `/api/v1/namespaces/${NAMESPACE}`;
const body = JSON.stringify(configMap({ generateName: 'created-' }, 'first'));

/** Microseconds of the server's CPU for each answer. */
async function cost(
  target: typeof echo | typeof server,
  count: number,
  paths: readonly string[],
  post?: string,
  connections = 4,
): Promise<number> {
  const before = cpuSeconds(target);
  const more = post === undefined ? {} : { headers: JSON_BODY, body: post };
  await h2load({ target, paths, connections, streams: connections === 2 ? 1 : 8, count, ...more });
  return ((cpuSeconds(target) - before) / count) * 1e6;
}

const costs = {
  small: [] as number[],
  large: [] as number[],
  get: [] as number[],
  create: [] as number[],
  list: [] as number[],
};
try {
  await ensureConfigMaps(server, OBJECTS);
  await ensurePods(server, OBJECTS);
  const each = Array.from({ length: OBJECTS }, (_, i) => `${objects}/configmaps/config-${i}`);
  for (let round = 0; round < ROUNDS; round++) {
    costs.small.push(await cost(echo, 10_000, [SMALL]));
    costs.get.push(await cost(server, 5000, each));
    costs.create.push(await cost(server, 1000, [`${objects}/configmaps`], body));
    costs.large.push(await cost(echo, 20, [LARGE], undefined, 2));
    costs.list.push(await cost(server, 100, [`${objects}/pods`], undefined, 2));
  }
} finally {
  echo.stop();
  await server.stop();
  rmSync(directory, { recursive: true });
}

const least = (values: readonly number[]) => Math.min(...values);
const of = (raw: readonly number[], ours: readonly number[]) => Number((least(raw) / least(ours)).toPrecision(3));
const ratios: Ratios = {
  get: of(costs.small, costs.get),
  create: of(costs.small, costs.create),
  list: of(costs.large, costs.list),
};
if (process.argv.includes('--write')) writeFileSync(RECORD, `${JSON.stringify(ratios, undefined, 2)}\n`);
const wanted = JSON.parse(readFileSync(RECORD, 'utf8')) as Ratios;
for (const [name, ratio] of Object.entries(ratios) as [keyof Ratios, number][]) {
  const change = ratio / wanted[name] - 1;
  const isSlow = change < -ALLOWED;
  console.log(
    `${name.padEnd(8)} ${ratio.toFixed(3)} of the raw limit, was ${wanted[name]} (${change > 0 ? '+' : ''}${(change * 100).toFixed(0)} %)${isSlow ? ': too slow' : ''}`,
  );
  if (isSlow) process.exitCode = 1;
}
