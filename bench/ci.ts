/**
 * The short form that CI runs: has a request become much more expensive? What counts is CPU time beside that of a server
 * which does nothing (node:http2 echoing over TLS), measured in turns, and of each the cheapest round: neither the machine's
 * speed nor what else it does matters much. Fails when a ratio has fallen by more than a third of what `ci.json` says, and
 * more rounds do not bring it back.
 *
 *   npm run bench:ci -- [--write]
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { run, type Template } from './load/job.ts';
import { LARGE, SMALL, startEcho } from './raw/limits.ts';
import { apiServer } from './servers/apiserver.ts';
import { cpuSeconds } from './servers/usage.ts';
import { configMap, ensureConfigMaps, ensurePods, JSON_BODY, NAMESPACE } from './workloads/fixtures.ts';

const ROUNDS = 8;
const MOST_ROUNDS = 24;
/** By how much a ratio may fall, beyond which it is no noise. */
const ALLOWED = 1 / 3;
const OBJECTS = 1000;
const RECORD = join(import.meta.dirname, 'ci.json');

const MEASURED = ['get', 'create', 'list'] as const;
type Ratios = Record<(typeof MEASURED)[number], number>;

const wanted = JSON.parse(readFileSync(RECORD, 'utf8')) as Ratios;
const directory = mkdtempSync(join(tmpdir(), 'keelson-bench-'));
const keelson = apiServer({
  name: 'keelson',
  command: [resolve(import.meta.dirname, '../bin/kube-apiserver')],
  node: false,
});
const [echo, server] = await Promise.all([startEcho(), keelson.start(directory)]);
const objects = `/api/v1/namespaces/${NAMESPACE}`;
const body = JSON.stringify(configMap({ generateName: 'created-' }, 'first'));

type Load = Template & { readonly count: number; readonly large?: boolean };

/** Microseconds of the server's CPU for each answer. */
async function cost(target: typeof echo | typeof server, { count, large = false, ...template }: Load): Promise<number> {
  const before = cpuSeconds(target);
  const lanes = large ? { connections: 2, streams: 1 } : { connections: 4, streams: 8 };
  await run({ kind: 'requests', target, templates: [template], count, below: OBJECTS, ...lanes });
  return ((cpuSeconds(target) - before) / count) * 1e6;
}

const cheapest = { small: Infinity, large: Infinity, get: Infinity, create: Infinity, list: Infinity };
const LOADS: Record<keyof typeof cheapest, readonly [typeof echo | typeof server, Load]> = {
  small: [echo, { count: 10_000, method: 'GET', path: SMALL }],
  get: [server, { count: 5000, method: 'GET', path: `${objects}/configmaps/config-{i}` }],
  create: [server, { count: 1000, method: 'POST', path: `${objects}/configmaps`, headers: JSON_BODY, body }],
  large: [echo, { count: 20, method: 'GET', path: LARGE, large: true }],
  list: [server, { count: 100, method: 'GET', path: `${objects}/pods`, large: true }],
};

async function round(): Promise<void> {
  for (const [name, [target, load]] of Object.entries(LOADS) as [keyof typeof cheapest, (typeof LOADS)['get']][]) {
    cheapest[name] = Math.min(cheapest[name], await cost(target, load));
  }
}

function ratios(): Ratios {
  const { small, large, get, create, list } = cheapest;
  const of = (raw: number, ours: number) => Number((raw / ours).toPrecision(3));
  return { get: of(small, get), create: of(small, create), list: of(large, list) };
}

const isSlow = (name: keyof Ratios) => ratios()[name] < wanted[name] * (1 - ALLOWED);

try {
  await ensureConfigMaps(server, OBJECTS);
  await ensurePods(server, OBJECTS);
  for (let done = 0; done < ROUNDS || (done < MOST_ROUNDS && MEASURED.some(isSlow)); done++) await round();
} finally {
  echo.stop();
  await server.stop();
  rmSync(directory, { recursive: true });
}

if (process.argv.includes('--write')) writeFileSync(RECORD, `${JSON.stringify(ratios(), undefined, 2)}\n`);
for (const [name, ratio] of Object.entries(ratios()) as [keyof Ratios, number][]) {
  const change = (ratio / wanted[name] - 1) * 100;
  const verdict = isSlow(name) ? ': too slow' : '';
  console.log(
    `${name.padEnd(8)} ${ratio.toFixed(3)} of the raw limit, was ${wanted[name]} (${change > 0 ? '+' : ''}${change.toFixed(0)} %)${verdict}`,
  );
  if (isSlow(name)) process.exitCode = 1;
}
