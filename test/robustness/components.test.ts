/**
 * The components as processes around an API server that is killed: each resumes by itself, nothing is started twice and
 * nothing stays stuck; of two schedulers and two controller managers one leads and the other takes over in time; and
 * when all is settled, nothing but leases is written.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Lease } from '@keelson/api/generated/types/coordination/v1';
import type { Pod } from '@keelson/api/generated/types/core/v1';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ControlPlane } from '../support/control-plane.ts';
import type { Program } from '../support/process.ts';

/** A few for every day; `npm run robustness` asks for 100. */
const kills = Number(process.env.KEELSON_KILLS ?? 2);
const DEPLOYMENTS = ['red', 'green', 'blue'];
const LIFE_MS = 1500;
const LEASE_SECONDS = 6;
const PATIENCE = { timeout: 120_000, interval: 200 };
const namespace = 'default';
const election = [
  '--leader-elect',
  `--leader-elect-lease-duration=${LEASE_SECONDS}s`,
  '--leader-elect-renew-deadline=4s',
  '--leader-elect-retry-period=1s',
];

describe('components as processes', { timeout: 300_000 + kills * 20_000 }, () => {
  let plane: ControlPlane;
  let leaders: readonly [name: string, program: Program, another: () => Promise<Program>][];

  beforeAll(async () => {
    plane = await ControlPlane.start();
    const scheduler = () => plane.scheduler(...election);
    const manager = () => plane.controllerManager(...election);
    leaders = [
      ['kube-scheduler', await scheduler(), scheduler],
      ['kube-controller-manager', await manager(), manager],
    ];
    await plane.kubelet();
    await expect.poll(async () => (await readyNodes()).length, PATIENCE).toBe(1);
    await expect
      .poll(async () => (await plane.admin.resource('serviceaccounts').list({ namespace })).items.length, PATIENCE)
      .toBe(1);
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
    for (let kill = 0; kill < kills; kill++) {
      let over = false;
      const load = DEPLOYMENTS.map(async (app, i) => {
        for (let step = kill; !over; step++) {
          await scale(app, 1 + ((step * 3 + i) % 5)).catch(() => {});
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
      await sleep(LIFE_MS);
      await plane.killServer();
      over = true;
      await sleep(kill % 2 === 0 ? 100 : 2500);
      await plane.startServer();
      await Promise.all(load);
    }
    for (const [i, app] of DEPLOYMENTS.entries()) await scale(app, 3 + i);
    for (const [i, app] of DEPLOYMENTS.entries()) await settles(app, 3 + i);
    await look();
    expect([...started.values()].filter((ids) => ids.size > 1)).toEqual([]);
    for (const app of DEPLOYMENTS) {
      const { status } = await deployments().get({ namespace, name: app });
      expect(status).toMatchObject({ replicas: status?.readyReplicas, observedGeneration: expect.any(Number) });
    }
    const { items } = await plane.admin.resource('replicasets.apps').list({ namespace });
    expect(items).toHaveLength(DEPLOYMENTS.length);
    expect(await readyNodes()).toHaveLength(1);
  });

  test('another takes over from a leader that is killed', async () => {
    const leaseOf = (name: string): Promise<Lease> =>
      plane.admin.resource('leases.coordination.k8s.io').get({ namespace: 'kube-system', name });
    for (const [i, [name, leader, another]] of leaders.entries()) {
      await another();
      const before = (await leaseOf(name)).spec!;
      await sleep(2000);
      expect((await leaseOf(name)).spec!.holderIdentity, 'the first goes on leading').toBe(before.holderIdentity);
      await leader.stop('SIGKILL');
      const killed = Date.now();
      await expect
        .poll(async () => (await leaseOf(name)).spec!.holderIdentity, PATIENCE)
        .not.toBe(before.holderIdentity);
      const { acquireTime, leaseTransitions } = (await leaseOf(name)).spec!;
      expect(leaseTransitions).toBe(before.leaseTransitions! + 1);
      const waited = Date.parse(acquireTime!) - killed;
      expect(waited, 'not before the lease is over').toBeGreaterThan((LEASE_SECONDS - 4) * 1000);
      expect(waited, 'within the lease time and two looks').toBeLessThan((LEASE_SECONDS + 4) * 1000);
      await scale('red', 7 + i);
      await settles('red', 7 + i);
    }
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
    await admin
      .resource('pods')
      .create({ metadata: { ...metadata, name: 'stuck' }, spec: { ...template.spec, nodeSelector: { no: 'where' } } });

    const revision = async () =>
      Number((await admin.resource('leases.coordination.k8s.io').list()).metadata.resourceVersion);
    const written = async (ms: number) => {
      const stop = new AbortController();
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
      await sleep(500);
      stop.abort();
      await watching;
      const renewals = told.filter(([at]) => at > from && at <= to).length;
      return { renewals, others: to - from - renewals };
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
