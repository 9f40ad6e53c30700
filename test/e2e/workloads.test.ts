/** Workloads as users run them: the real kubectl on `keelson up` with simulated nodes. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PodList } from '@keelson/api/generated/types/core/v1';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Kubectl, kubectl } from '../support/kubectl.ts';
import { freePort, type Program, startProgram, untilReady } from '../support/process.ts';
import { missing } from '../support/tools.ts';

const NODES = 5;
const IMAGE = 'registry.example/app';
const PATIENCE = { timeout: 60_000, interval: 200 };

describe.skipIf(missing('kubectl'))('workloads', { timeout: 150_000 }, () => {
  let directory: string;
  let cluster: Program;
  let k: Kubectl;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'keelson-workloads-'));
    const port = await freePort();
    cluster = startProgram(join(import.meta.dirname, '../../bin/keelson'), [
      'up',
      ...['--data-dir', join(directory, 'data'), `--secure-port=${port}`, '--no-node', `--nodes=${NODES}`],
    ]);
    await untilReady(cluster, async () => cluster.output().includes('is ready'), 90);
    k = kubectl(join(directory, 'data/kubeconfig'));
    await k`wait --for=create serviceaccount/default --timeout=60s`;
    await k`wait --for=condition=Ready node --all --timeout=60s`;
  }, 150_000);
  afterAll(async () => {
    await cluster?.stop();
    await rm(directory, { recursive: true, force: true });
  }, 60_000);

  const create = (object: object) => k.with({ stdin: JSON.stringify(object) })`create -f -`;
  const podsOf = async (app: string) => (await k.json<PodList>`get pods -l app=${app}`).items ?? [];
  const running = async (app: string) =>
    (await podsOf(app)).filter((pod) => pod.status?.phase === 'Running' && !pod.metadata.deletionTimestamp);
  const namesOf = async (app: string) => (await podsOf(app)).map((pod) => pod.metadata.name!).sort();
  const template = (app: string, spec: object = {}) => ({
    metadata: { labels: { app } },
    spec: { containers: [{ name: 'main', image: IMAGE }], terminationGracePeriodSeconds: 0, ...spec },
  });
  const workload = (kind: string, name: string, spec: object) => ({
    apiVersion: 'apps/v1',
    kind,
    metadata: { name },
    spec: { selector: { matchLabels: { app: name } }, template: template(name), ...spec },
  });

  test('a deployment is created, rolled out, rolled back, scaled, and deleted with all it owns', async () => {
    await k`create deployment web --image=${IMAGE}:1 --replicas=3`;
    await k`rollout status deployment/web --timeout=60s`;
    const imagesOf = async () => new Set((await running('web')).map((pod) => pod.spec!.containers![0]!.image));
    expect(await imagesOf()).toEqual(new Set([`${IMAGE}:1`]));

    await k`set image deployment/web *=${IMAGE}:2`;
    await k`rollout status deployment/web --timeout=60s`;
    await expect.poll(imagesOf, PATIENCE).toEqual(new Set([`${IMAGE}:2`]));
    expect((await k`rollout history deployment/web`).trim().split('\n').slice(2)).toEqual([
      expect.stringMatching(/^1\s/),
      expect.stringMatching(/^2\s/),
    ]);

    expect(await k`rollout undo deployment/web`).toBe('deployment.apps/web rolled back\n');
    await k`rollout status deployment/web --timeout=60s`;
    await expect.poll(imagesOf, PATIENCE).toEqual(new Set([`${IMAGE}:1`]));

    await k`scale deployment/web --replicas=5`;
    await expect.poll(async () => (await running('web')).length, PATIENCE).toBe(5);
    await k`scale deployment/web --replicas=1`;
    await expect.poll(() => namesOf('web'), PATIENCE).toHaveLength(1);

    await k`delete deployment web --cascade=foreground --timeout=60s`;
    expect(await k`get replicasets,pods -l app=web -o name`).toBe('');
  });

  test('a job runs to completion', async () => {
    const annotations = { 'keelson.dev/simulated-run-time': '200ms' };
    const spec = { restartPolicy: 'Never', containers: [{ name: 'main', image: IMAGE }] };
    await create({
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name: 'sums' },
      spec: { completions: 4, parallelism: 2, template: { metadata: { labels: { app: 'sums' }, annotations }, spec } },
    });
    await k`wait --for=condition=Complete job/sums --timeout=60s`;
    expect(await k`get job sums -o ${'jsonpath={.status.succeeded}'}`).toBe('4');
    await k`delete job sums`;
    await expect.poll(() => namesOf('sums'), PATIENCE).toEqual([]);
  });

  test('a cron job starts a job of its own when asked to', async () => {
    await k`create cronjob nightly --image=${IMAGE} ${'--schedule=0 3 * * *'}`;
    await k`create job now --from=cronjob/nightly`;
    await k`wait --for=create pod -l job-name=now --timeout=60s`;
    await k`delete cronjob nightly`;
    await expect.poll(async () => k`get jobs -o name`, PATIENCE).toBe('');
  });

  test('a stateful set has stable names, comes up in order and goes down in reverse', async () => {
    await create(workload('StatefulSet', 'db', { serviceName: 'db', replicas: 3 }));
    await k`rollout status statefulset/db --timeout=60s`;
    expect(await namesOf('db')).toEqual(['db-0', 'db-1', 'db-2']);
    const uidOf = (name: string) => k`get pod ${name} -o ${'jsonpath={.metadata.uid}'}`;
    const before = await uidOf('db-1');
    await k`delete pod db-1`;
    await expect.poll(() => uidOf('db-1').catch(() => before), PATIENCE).not.toBe(before);
    await k`rollout status statefulset/db --timeout=60s`;
    await k`scale statefulset/db --replicas=1`;
    await expect.poll(() => namesOf('db'), PATIENCE).toEqual(['db-0']);
    await k`delete statefulset db`;
  });

  test('a daemon set has a pod on each of five nodes', async () => {
    await create(workload('DaemonSet', 'agent', {}));
    await k`rollout status daemonset/agent --timeout=60s`;
    const nodes = (await running('agent')).map((pod) => pod.spec!.nodeName!).sort();
    expect(nodes).toEqual(
      (await k`get nodes -o name`)
        .trim()
        .split('\n')
        .map((name) => name.slice('node/'.length))
        .sort(),
    );
    expect(nodes).toHaveLength(NODES);
    await k`delete daemonset agent`;
  });

  test('a drain moves pods no faster than their budget allows', async () => {
    await create(workload('Deployment', 'shop', { replicas: 3 }));
    await k`create poddisruptionbudget shop --selector=app=shop --min-available=2`;
    await k`rollout status deployment/shop --timeout=60s`;
    await expect.poll(() => k`get pdb shop -o ${'jsonpath={.status.disruptionsAllowed}'}`, PATIENCE).toBe('1');
    const watch = k.start`get deployment shop --watch -o ${'jsonpath={.status.availableReplicas}{" "}'}`;
    const node = (await running('shop'))[0]!.spec!.nodeName!;
    const drained = await k`drain ${node} --ignore-daemonsets --force --timeout=60s`;
    expect(drained).toContain(`node/${node} drained`);
    await k`rollout status deployment/shop --timeout=60s`;
    expect((await running('shop')).map((pod) => pod.spec!.nodeName)).not.toContain(node);
    await watch.stop();
    const available = watch.output().trim().split(/\s+/).map(Number);
    expect(Math.min(...available)).toBeGreaterThanOrEqual(2);
    await k`uncordon ${node}`;
    await k`delete deployment/shop pdb/shop`;
  });

  test('pods of a killed node are evicted after what they tolerate, and replaced', async () => {
    const tolerations = ['not-ready', 'unreachable'].map((taint) => ({
      key: `node.kubernetes.io/${taint}`,
      operator: 'Exists',
      effect: 'NoExecute',
      tolerationSeconds: 2,
    }));
    await create(workload('Deployment', 'api', { replicas: NODES, template: template('api', { tolerations }) }));
    await k`rollout status deployment/api --timeout=60s`;
    const node = (await running('api'))[0]!.spec!.nodeName!;
    await k`annotate node ${node} keelson.dev/simulated-down=true`;
    await k`wait --for=condition=Ready=Unknown node/${node} --timeout=100s`;
    const elsewhere = async () => (await running('api')).filter((pod) => pod.spec!.nodeName !== node).length;
    await expect.poll(elsewhere, PATIENCE).toBe(NODES);
    const left = (await podsOf('api')).filter((pod) => pod.spec!.nodeName === node);
    for (const { metadata, status } of left) {
      expect(metadata.deletionTimestamp, metadata.name).toBeDefined();
      expect(status?.conditions?.find(({ type }) => type === 'DisruptionTarget')?.reason).toBe(
        'DeletionByTaintManager',
      );
    }
    await k`annotate node ${node} keelson.dev/simulated-down-`;
    await k`wait --for=condition=Ready node/${node} --timeout=60s`;
    await expect.poll(() => namesOf('api'), PATIENCE).toHaveLength(NODES);
  });
});
