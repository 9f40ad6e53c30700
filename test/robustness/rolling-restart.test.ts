/**
 * Three API servers behind a balancer, on three members of etcd: one after the other is restarted while clients write,
 * watch and control. No write is lost or doubled, no event is missed or told twice, and the endpoints of the service
 * `kubernetes` are those servers that live.
 */
import type { ConfigMap } from '@keelson/api/generated/types/core/v1';
import { type Client, connect, Informer, loadKubeconfig, systemWorld } from '@keelson/client';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Replicas } from '../support/replicas.ts';
import { missing } from '../support/tools.ts';
import { Ledger } from './ledger.ts';
import { record } from './table.ts';

const reason = missing('etcd');
const WRITERS = 8;
/** A few for every day; `npm run robustness` asks for more. */
const rounds = process.env.KEELSON_KILLS === undefined ? 1 : 3;
const PATIENCE = { timeout: 120_000, interval: 200 };
const FLAGS = [
  '--endpoint-reconciler-type=lease',
  '--shutdown-delay-duration=5s',
  '--shutdown-send-retry-after',
  '--shutdown-watch-termination-grace-period=5s',
  '--goaway-chance=0.01',
];
const namespace = 'default';

describe.skipIf(reason !== undefined)(`three API servers${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let replicas: Replicas;
  let admin: Client;

  beforeAll(async () => {
    replicas = await Replicas.start(3, ...FLAGS);
    await replicas.run('kube-controller-manager');
    admin = connect(await loadKubeconfig(replicas.kubeconfig), { component: 'test', world: systemWorld() });
  }, 240_000);
  afterAll(async () => {
    admin?.close();
    await replicas?.stop();
  }, 60_000);

  const all = [0, 1, 2];
  const without = (gone: number) => all.filter((i) => i !== gone).map((i) => replicas.addressOf(i));
  const endpoints = async () => {
    const { subsets } = await admin.resource('endpoints').get({ namespace, name: 'kubernetes' });
    const slice = await admin.resource('endpointslices.discovery.k8s.io').get({ namespace, name: 'kubernetes' });
    const addresses = subsets?.[0]?.addresses?.map(({ ip }) => ip) ?? [];
    expect(slice.endpoints?.flatMap((endpoint) => endpoint.addresses)).toEqual(addresses);
    return addresses;
  };

  it('are the endpoints of the service kubernetes as long as they live', { timeout: 240_000 }, async () => {
    expect(await endpoints()).toEqual(without(-1));
    const key = (text: string) => Buffer.from(text).toString('base64');
    const range = { key: key('/registry/masterleases/'), range_end: key('/registry/masterleases0'), keys_only: true };
    type Range = { readonly kvs: readonly { readonly key: string; readonly lease: string }[] };
    const { kvs } = await replicas.etcd[0]!.ask<Range>('/v3/kv/range', range);
    const keys = kvs.map((kv) => Buffer.from(kv.key, 'base64').toString());
    expect(keys).toEqual(without(-1).map((address) => `/registry/masterleases/${address}`));
    for (const { lease } of kvs) expect(Number(lease)).toBeGreaterThan(0);

    await replicas.stopServer(2, 'SIGKILL');
    const killed = performance.now();
    await vi.waitFor(async () => expect(await endpoints()).toEqual(without(2)), PATIENCE);
    const recoveredMs = performance.now() - killed;
    record({ fault: 'an API server killed: its endpoint goes', load: 'none', acknowledged: 0, lost: 0, recoveredMs });
    await replicas.startServer(2);
    await vi.waitFor(async () => expect(await endpoints()).toEqual(without(-1)), PATIENCE);
  });

  it('end in order: not ready first, then the watches, then the rest', { timeout: 120_000 }, async () => {
    const client = replicas.client(1);
    const seen: string[] = [];
    const watching = client.watch('/api/v1/namespaces?watch=1', () => {}).then(() => seen.push('the watch has ended'));
    const ended = replicas.stopServer(1).then((code) => seen.push(`exit ${code}`));
    await vi.waitFor(async () => expect((await client.send('GET', '/readyz')).status).toBe(500), PATIENCE);
    seen.push('not ready');
    expect((await client.send('GET', '/livez')).status).toBe(200);
    expect((await client.send('GET', '/api/v1/namespaces')).status).toBe(200);
    seen.push('served');
    await Promise.all([watching, ended]);
    expect(seen).toEqual(['not ready', 'served', 'the watch has ended', 'exit 0']);
    expect(await endpoints(), 'it has taken its leave').toEqual(without(1));
    client.close();
    await replicas.startServer(1);
  });

  it('are restarted one after the other under load', { timeout: 300_000 + rounds * 120_000 }, async () => {
    const ledger = new Ledger(() => replicas.client());
    await ledger.start(WRITERS, 5);

    const told = new Map<string, number>();
    const tell = ({ data }: ConfigMap) => {
      if (data?.value) told.set(data.value, (told.get(data.value) ?? 0) + 1);
    };
    const informer = new Informer(admin.resource('configmaps'), systemWorld(), { namespace });
    informer.addHandler({ added: tell, updated: (_, now) => tell(now) });
    informer.start();
    await informer.synced;

    const deployments = admin.resource('deployments.apps');
    const labels = { app: 'rolling' };
    const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'i' }] } };
    const spec = { replicas: 3, selector: { matchLabels: labels }, template };
    await deployments.create({ metadata: { namespace, name: 'rolling' }, spec });
    let replicasWanted = 3;
    let longest = 0;
    for (let round = 0; round < rounds; round++) {
      for (const i of all) {
        ledger.mark();
        expect(await replicas.stopServer(i), replicas.output(i).slice(-2000)).toBe(0);
        replicasWanted = 3 + ((round * 3 + i) % 4);
        await deployments.patch({ namespace, name: 'rolling' }, 'merge', { spec: { replicas: replicasWanted } });
        await replicas.startServer(i);
        longest = Math.max(longest, await ledger.progress());
      }
    }
    await vi.waitFor(async () => {
      const { items } = await admin.resource('pods').list({ namespace, labelSelector: 'app=rolling' });
      expect(items.filter(({ metadata }) => !metadata.deletionTimestamp)).toHaveLength(replicasWanted);
    }, PATIENCE);
    const sets = await admin.resource('replicasets.apps').list({ namespace });
    expect(sets.items).toHaveLength(1);

    const summary = await ledger.finish();
    record({
      fault: `three API servers restarted, ${rounds === 1 ? 'once' : `${rounds} times`}`,
      load: `${WRITERS} writers, 1 watch, 1 informer, controllers`,
      ...summary,
      recoveredMs: longest,
    });
    const { items } = await admin.resource('configmaps').list({ namespace });
    await vi.waitFor(() => {
      const known = [...informer.store.values()].map(({ metadata }) => metadata.resourceVersion);
      expect(known.sort()).toEqual(items.map(({ metadata }) => metadata.resourceVersion).sort());
    }, PATIENCE);
    await informer.stop();
    expect([...told].filter(([, times]) => times > 1)).toEqual([]);
    expect(ledger.refusals).toEqual([]);
  });
});
