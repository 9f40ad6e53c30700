/**
 * The components as processes around an API server that is killed: each resumes by itself, nothing is started twice and
 * nothing stays stuck; of two schedulers and two controller managers one leads and the other takes over in time; and
 * when all is settled, nothing but leases is written.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Lease } from '@keelson/api/generated/types/coordination/v1';
import type { Pod } from '@keelson/api/generated/types/core/v1';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { ControlPlane, type Part } from '../support/control-plane.ts';
import { record } from './table.ts';

/** A few for every day; `npm run robustness` asks for 100. */
const kills = Number(process.env.KEELSON_KILLS ?? 2);
const DEPLOYMENTS = ['red', 'green', 'blue'];
/** Changes that are acknowledged between two kills. */
const CHANGES = 12;
const LEASE_SECONDS = 15;
const OWN_RENEWAL_MS = 10_000;
/** After a few failures within two minutes informers wait for up to a minute before they try again, as client-go's do. */
const PATIENCE = { timeout: 240_000, interval: 200 };
const namespace = 'default';
const election = ['--leader-elect', `--leader-elect-lease-duration=${LEASE_SECONDS}s`];

describe('components as processes', { timeout: 600_000 + kills * 90_000 }, () => {
  let plane: ControlPlane;
  let leaders: readonly [name: string, part: Part, another: () => Promise<Part>][];

  beforeAll(async () => {
    plane = await ControlPlane.start();
    const scheduler = () => plane.scheduler(...election);
    const manager = () => plane.controllerManager(...election);
    leaders = [
      ['kube-scheduler', await scheduler(), scheduler],
      ['kube-controller-manager', await manager(), manager],
    ];
    await plane.kubelet();
    await vi.waitFor(async () => expect(await readyNodes()).toHaveLength(1), PATIENCE);
    const accounts = plane.admin.resource('serviceaccounts');
    await vi.waitFor(async () => expect((await accounts.list({ namespace })).items).toHaveLength(1), PATIENCE);
  }, 240_000);
  afterAll(() => plane?.stop(), 60_000);

  const readyNodes = async () =>
    (await plane.admin.resource('nodes').list()).items.filter(
      ({ spec, status }) =>
        !spec?.taints?.length && status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True'),
    );
  const deployments = () => plane.admin.resource('deployments.apps');
  const scale = (name: string, replicas: number) =>
    deployments().patch({ namespace, name }, 'merge', { spec: { replicas } });
  const podsOf = async (app: string) =>
    (await plane.admin.resource('pods').list({ namespace, labelSelector: `app=${app}` })).items;

  /** Of each pod: its phase, how often its container was started again, and whether it is about to end. */
  const stateOf = ({ metadata, status }: Pod) =>
    `${status?.phase} ${status?.containerStatuses?.[0]?.restartCount}${metadata.deletionTimestamp ? ' Terminating' : ''}`;
  const settles = (app: string, replicas: number) =>
    expect
      .poll(async () => (await podsOf(app)).map(stateOf), PATIENCE)
      .toEqual(Array.from({ length: replicas }, () => 'Running 0'));

  test(`they resume after ${kills} kills of the API server`, async () => {
    const started = new Map<string, Set<string>>();
    const look = async () => {
      for (const { metadata, status } of (await plane.admin.resource('pods').list({ namespace })).items) {
        const ids = started.get(metadata.uid!) ?? new Set();
        started.set(metadata.uid!, ids);
        for (const { containerID } of status?.containerStatuses ?? []) if (containerID) ids.add(containerID);
      }
    };
    for (const app of DEPLOYMENTS) {
      const labels = { app };
      await deployments().create({
        metadata: { namespace, name: app },
        spec: {
          replicas: 2,
          selector: { matchLabels: labels },
          template: {
            metadata: { labels },
            spec: { containers: [{ name: 'c', image: 'i' }], terminationGracePeriodSeconds: 1 },
          },
        },
      });
    }
    /** By app, the generation of the last change that was acknowledged. */
    const acknowledged = new Map<string, number>();
    let changes = 0;
    let lost = 0;
    let longest = 0;
    for (let kill = 0; kill < kills; kill++) {
      let over = false;
      const load = DEPLOYMENTS.map(async (app, i) => {
        for (let step = kill; !over; step++) {
          const scaled = await scale(app, 1 + ((step * 3 + i) % 5)).catch(() => undefined);
          if (scaled) {
            acknowledged.set(app, scaled.metadata.generation!);
            changes++;
          }
          const pod = (await podsOf(app).catch(() => []))[0];
          if (pod && step % 2 === 0) {
            await plane.admin
              .resource('pods')
              .delete({ namespace, name: pod.metadata.name! })
              .catch(() => {});
          }
          await look().catch(() => {});
          await sleep(100);
        }
      });
      const enough = changes + CHANGES;
      while (changes < enough) await sleep(20);
      await plane.killServer();
      over = true;
      await sleep(kill % 2 === 0 ? 100 : 2500);
      await plane.startServer();
      const started = performance.now();
      await Promise.all(load);
      for (const [app, generation] of acknowledged) {
        const { metadata } = await deployments().get({ namespace, name: app });
        if (metadata.generation! < generation) lost++;
      }
      for (const [i, app] of DEPLOYMENTS.entries()) await scale(app, 3 + i);
      for (const [i, app] of DEPLOYMENTS.entries()) await settles(app, 3 + i);
      longest = Math.max(longest, performance.now() - started);
    }
    await look();
    record({
      fault: `API server killed ${kills} times`,
      load: 'scheduler, controllers, kubelet; 3 deployments scaled, their pods deleted',
      acknowledged: changes,
      lost,
      recoveredMs: longest,
    });
    expect(lost).toBe(0);
    expect([...started.values()].filter((ids) => ids.size > 1)).toEqual([]);
    for (const [i, app] of DEPLOYMENTS.entries()) {
      await vi.waitFor(async () => {
        const { metadata, status } = await deployments().get({ namespace, name: app });
        const { generation: observedGeneration } = metadata;
        expect(status).toMatchObject({ replicas: 3 + i, readyReplicas: 3 + i, observedGeneration });
      }, PATIENCE);
    }
    const { items } = await plane.admin.resource('replicasets.apps').list({ namespace });
    expect(items).toHaveLength(DEPLOYMENTS.length);
    expect(await readyNodes()).toHaveLength(1);
  });

  test('another takes over from a leader that is killed', async () => {
    const leaseOf = (name: string): Promise<Lease> =>
      plane.admin.resource('leases.coordination.k8s.io').get({ namespace: 'kube-system', name });
    const renewals = async (name: string, count: number) => {
      const seen = new Set<string>();
      let lease = (await leaseOf(name)).spec!;
      const { holderIdentity } = lease;
      while (seen.size < count) {
        await sleep(200);
        lease = (await leaseOf(name)).spec!;
        expect(lease.holderIdentity, 'the first goes on leading').toBe(holderIdentity);
        seen.add(lease.renewTime!);
      }
    };
    const takeOver = async ([name, leader, another]: (typeof leaders)[number]) => {
      await another();
      await renewals(name, 3);
      await leader.kill();
      const killed = performance.now();
      const before = (await leaseOf(name)).spec!;
      await expect
        .poll(async () => (await leaseOf(name)).spec!.holderIdentity, PATIENCE)
        .not.toBe(before.holderIdentity);
      const recoveredMs = performance.now() - killed;
      const { acquireTime, leaseTransitions } = (await leaseOf(name)).spec!;
      expect(leaseTransitions).toBe(before.leaseTransitions! + 1);
      const free = Date.parse(acquireTime!) - Date.parse(before.renewTime!);
      expect(free, 'not before the lease is over').toBeGreaterThanOrEqual(LEASE_SECONDS * 1000);
      record({
        fault: `${name} killed while it leads`,
        load: 'another waits',
        acknowledged: 0,
        lost: 0,
        recoveredMs,
      });
    };
    await Promise.all(leaders.map(takeOver));
    await scale('red', 7);
    await settles('red', 7);
  });

  test('a settled cluster writes nothing but leases', async () => {
    const { admin } = plane;
    const labels = { app: 'settled' };
    const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'i' }] } };
    const selector = { matchLabels: labels };
    const metadata = { namespace, name: 'settled' };
    await admin.resource('services').create({ metadata, spec: { selector: labels, ports: [{ port: 80 }] } });
    await admin.resource('statefulsets.apps').create({
      metadata,
      spec: { replicas: 2, serviceName: 'settled', selector, template },
    });
    await admin.resource('daemonsets.apps').create({ metadata, spec: { selector, template } });
    const job = { spec: { ...template.spec, restartPolicy: 'Never' } };
    await admin.resource('jobs.batch').create({ metadata, spec: { template: job } });
    await admin.resource('cronjobs.batch').create({
      metadata,
      spec: { schedule: '0 0 1 1 *', jobTemplate: { spec: { template: job } } },
    });
    await admin.resource('poddisruptionbudgets.policy').create({ metadata, spec: { minAvailable: 1, selector } });
    await admin.resource('resourcequotas').create({ metadata, spec: { hard: { pods: '100' } } });
    await admin.resource('pods').create({
      metadata: { ...metadata, name: 'stuck' },
      spec: { ...template.spec, nodeSelector: { no: 'where' } },
    });

    const revision = async () =>
      Number((await admin.resource('leases.coordination.k8s.io').list()).metadata.resourceVersion);
    const written = async (ms: number) => {
      const stop = new AbortController();
      const begun = performance.now();
      const from = await revision();
      const told: [number, string][] = [];
      const leases = admin
        .resource('leases.coordination.k8s.io')
        .watch({ resourceVersion: String(from), signal: stop.signal });
      const watching = (async () => {
        for await (const { object } of leases)
          told.push([Number(object.metadata.resourceVersion), object.metadata.name!]);
      })().catch(() => {});
      await sleep(ms);
      const to = await revision();
      const elapsed = performance.now() - begun;
      while (!told.some(([at]) => at > to)) await sleep(50);
      stop.abort();
      await watching;
      const renewals = told.filter(([at]) => at > from && at <= to).length;
      // The API server has two leases of its own in the store: it is an endpoint of the service kubernetes, and a peer of others.
      const own = 2 * (Math.floor(elapsed / OWN_RENEWAL_MS) + 1);
      return { renewals, others: Math.max(0, to - from - renewals - own) };
    };
    await expect
      .poll(async () => (await podsOf('settled')).filter((pod) => stateOf(pod) === 'Running 0').length, PATIENCE)
      .toBe(3);
    await expect.poll(async () => (await written(4000)).others, { timeout: 120_000 }).toBe(0);
    const { renewals, others } = await written(20_000);
    expect(renewals).toBeGreaterThan(5);
    expect(others).toBe(0);
  });
});
