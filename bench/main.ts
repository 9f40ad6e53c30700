/**
 * Keelson beside kube-apiserver, under the same load on the same machine, in turns. bench/README.md tells how to read it.
 *
 *   npm run bench -- [--kube-apiserver PATH] [--etcd PATH] [--unsafe-no-fsync] [--against DIR] [--base URL --token T]…
 *                    [--servers NAME,…] [--only WORKLOAD,…] [--quick] [--rounds N] [--dir DIR] [--json FILE]
 *                    [--profile DIR]
 */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { h2loadVersion } from './load/h2load.ts';
import { rawLimits } from './raw/limits.ts';
import { machineOf } from './report/machine.ts';
import type { Results, WorkloadResult } from './report/results.ts';
import { block, heading } from './report/text.ts';
import { apiServer, givenServer } from './servers/apiserver.ts';
import type { Server, ServerKind } from './servers/server.ts';
import { cpuSeconds, longestPause } from './servers/usage.ts';
import { WORKLOADS } from './workloads/table.ts';
import { type Figure, FULL, QUICK, type Session, type Workload } from './workloads/workload.ts';

const { values: flags } = parseArgs({
  options: {
    'kube-apiserver': { type: 'string', default: process.env.KUBE_APISERVER },
    etcd: { type: 'string', default: process.env.ETCD },
    'unsafe-no-fsync': { type: 'boolean', default: false },
    against: { type: 'string' },
    base: { type: 'string', multiple: true, default: [] },
    token: { type: 'string', multiple: true, default: [] },
    servers: { type: 'string' },
    only: { type: 'string' },
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    dir: { type: 'string', default: tmpdir() },
    json: { type: 'string' },
    profile: { type: 'string' },
    list: { type: 'boolean', default: false },
  },
});

const ROOT = resolve(import.meta.dirname, '..');

/** The last one is what the others are compared with. */
function serverKinds(): ServerKind[] {
  const keelson = flags.profile
    ? [process.execPath, '--conditions=keelson-source', resolve(ROOT, 'packages/cluster/src/bin/kube-apiserver.ts')]
    : [resolve(ROOT, 'bin/kube-apiserver')];
  const etcd = flags.etcd ? { binary: resolve(flags.etcd), fsync: !flags['unsafe-no-fsync'] } : undefined;
  const kinds = [apiServer({ name: 'keelson', command: keelson, node: true })];
  if (etcd) kinds.push(apiServer({ name: 'keelson-etcd', command: keelson, node: true, etcd }));
  kinds.push(...flags.base.map((base, i) => givenServer(base, flags.token[i] ?? '')));
  if (flags.against) {
    const before = [resolve(flags.against, 'bin/kube-apiserver')];
    kinds.push(apiServer({ name: 'before', command: before, node: true }));
    if (etcd) kinds.push(apiServer({ name: 'before-etcd', command: before, node: true, etcd }));
  }
  const upstream = flags['kube-apiserver'];
  if (upstream) {
    if (!etcd) throw new Error('kube-apiserver needs an etcd: --etcd PATH, or ETCD in the environment');
    kinds.push(apiServer({ name: 'kube-apiserver', command: [resolve(upstream)], node: false, etcd }));
  }
  const wanted = flags.servers?.split(',');
  return wanted ? kinds.filter(({ name }) => wanted.includes(name)) : kinds;
}

function workloads(): readonly Workload[] {
  if (!flags.only) return WORKLOADS.filter(({ long }) => !(flags.quick && long));
  return flags.only.split(',').flatMap((name) => {
    const found = WORKLOADS.filter((workload) => workload.name === name || workload.name.startsWith(`${name}-`));
    if (found.length === 0)
      throw new Error(`no workload is called ${name}; there are ${WORKLOADS.map((w) => w.name).join(', ')}`);
    return found;
  });
}

const sizes = flags.quick ? QUICK : FULL;
const rounds = Number(flags.rounds ?? (flags.quick ? 1 : 3));
mkdirSync(flags.dir, { recursive: true });
const root = mkdtempSync(join(resolve(flags.dir), 'keelson-bench-'));
const directory = () => mkdtempSync(join(root, 'server-'));

async function measure(workload: Workload, servers: readonly Server[]): Promise<WorkloadResult> {
  const session = (server: Server, round: number): Session => ({ server, sizes, round, directory });
  const failures: Record<string, string> = {};
  const attempt = async <T>(server: Server, work: () => Promise<T> | undefined): Promise<T | undefined> => {
    const { name } = server.kind;
    if (failures[name] !== undefined) return undefined;
    try {
      return await work();
    } catch (error) {
      failures[name] = (error as Error).message;
      return undefined;
    }
  };
  for (const server of servers) await attempt(server, () => workload.prepare?.(session(server, 0)));
  const figures = new Map<
    string,
    { name: string; unit: WorkloadResult['figures'][number]['unit']; values: Record<string, number[]> }
  >();
  const cpu: Record<string, number> = {};
  const pauses: Record<string, number> = {};
  const warmUps = workload.once ? 0 : 1;
  for (let round = 0; round < (workload.once ? 1 : rounds + warmUps); round++) {
    // Every other round the other way round, so that nobody always comes first.
    for (const server of round % 2 === 0 ? servers : [...servers].reverse()) {
      const { name } = server.kind;
      const before = cpuSeconds(server);
      await longestPause(server);
      const found = await attempt(server, () => workload.run(session(server, round)));
      if (round < warmUps || !found) continue;
      const seconds = cpuSeconds(server) - before;
      const answers = found[0]?.answers;
      const each: Figure[] =
        answers && seconds > 0 ? [{ name: 'CPU of each', unit: 'µs', value: (seconds / answers) * 1e6 }] : [];
      for (const { name: figure, unit, value } of [...found, ...each]) {
        const known = figures.get(figure) ?? { name: figure, unit, values: {} };
        figures.set(figure, known);
        known.values[name] = [...(known.values[name] ?? []), value];
      }
      cpu[name] = (cpu[name] ?? 0) + seconds;
      const pause = await longestPause(server);
      if (flags.profile && server.pauseFile) {
        copyFileSync(`${server.pauseFile}.cpuprofile`, join(flags.profile, `${workload.name}-${name}.cpuprofile`));
      }
      if (pause !== undefined) pauses[name] = Math.max(pauses[name] ?? 0, pause);
    }
  }
  const { name, what, goal } = workload;
  return {
    name,
    what,
    ...(goal ? { goal } : {}),
    figures: [...figures.values()],
    cpuSeconds: cpu,
    pauseMs: pauses,
    failures,
  };
}

async function main(): Promise<void> {
  const chosen = workloads();
  if (flags.list) {
    for (const { name, what } of chosen) console.log(`${name.padEnd(24)}${what}`);
    return;
  }
  const load = h2loadVersion();
  if (flags.profile) {
    mkdirSync(flags.profile, { recursive: true });
    process.env.KEELSON_BENCH_PROFILE = flags.profile;
  }
  const servers: Server[] = [];
  try {
    for (const kind of serverKinds()) servers.push(await kind.start(directory()));
    const results: Results = {
      when: new Date().toISOString(),
      machine: machineOf(root),
      load,
      servers: servers.map(({ kind: { name, storage }, version }) => ({ name, storage, version })),
      raw: await rawLimits(root, sizes.seconds),
      workloads: [],
    };
    console.log(heading(results));
    const names = servers.map(({ kind }) => kind.name);
    for (const workload of chosen) {
      const result = await measure(workload, servers);
      results.workloads.push(result);
      console.log(block(result, names));
      if (Object.keys(result.failures).length > 0) process.exitCode = 1;
      if (flags.json) writeFileSync(flags.json, `${JSON.stringify(results, undefined, 1)}\n`);
    }
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
    if (existsSync(root)) rmSync(root, { recursive: true });
  }
}

await main();
