/** `keelson up` on an etcd that is away for longer than leases last: what leads in it ends, is started anew, and works. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, loadKubeconfig, systemWorld } from '@keelson/client';
import { afterEach, describe, expect, test } from 'vitest';
import { startEtcd } from '../support/etcd.ts';
import { startProgram, untilReady } from '../support/process.ts';
import { missing } from '../support/tools.ts';

const PATIENCE = { timeout: 120_000, interval: 200 };
const namespace = 'default';
const reason = missing('etcd');

describe.skipIf(reason !== undefined)(`keelson up on etcd${reason ? ` (skipped: ${reason})` : ''}`, () => {
  const ends: (() => unknown)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });

  test('outlives an outage longer than its lead', { timeout: 300_000 }, async () => {
    const directory = await mkdtemp(join(tmpdir(), 'keelson-etcd-away-'));
    ends.push(() => rm(directory, { recursive: true, force: true }));
    const etcd = await startEtcd();
    ends.push(() => etcd.stop());
    const flags = [`--data-dir=${directory}/data`, '--secure-port=0', `--etcd-servers=${etcd.url}`, '--no-node'];
    const cluster = startProgram(join(import.meta.dirname, '../../bin/keelson'), ['up', ...flags, '--nodes=1']);
    ends.push(() => cluster.stop('SIGKILL'));
    await untilReady(cluster, async () => cluster.output().includes('is ready'), 120);
    const access = await loadKubeconfig(join(directory, 'data/kubeconfig'));
    const client = connect(access, { component: 'test', world: systemWorld() });
    ends.push(() => client.close());
    const running = async (app: string) => {
      const { items } = await client.resource('pods').list({ namespace, labelSelector: `app=${app}` });
      return items.filter(({ status }) => status?.phase === 'Running').length;
    };
    const deploy = async (app: string) => {
      const template = { metadata: { labels: { app } }, spec: { containers: [{ name: 'c', image: 'image' }] } };
      const spec = { replicas: 2, selector: { matchLabels: { app } }, template };
      await client.resource('deployments.apps').create({ metadata: { namespace, name: app }, spec });
      await expect.poll(() => running(app).catch(() => 0), PATIENCE).toBe(2);
    };
    await deploy('before');

    await etcd.kill();
    const anew = () =>
      ['kube-controller-manager', 'kube-scheduler'].filter((component) =>
        cluster.output().includes(`is started anew" err="leaderelection lost" component="${component}"`),
      );
    await expect.poll(anew, PATIENCE).toHaveLength(2);
    await etcd.restart();

    await expect.poll(() => running('before').catch(() => 0), PATIENCE).toBe(2);
    await deploy('after');
    expect(await cluster.stop()).toBe(0);
  });
});
