import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ControlledCluster, startControlled } from './cluster.ts';

const namespace = 'default';
let cluster: ControlledCluster;
beforeAll(async () => {
  cluster = await startControlled(['replicaset', 'deployment', 'horizontalpodautoscaling']);
}, 60_000);
afterAll(() => cluster?.stop());

const patient = { timeout: 15_000 };
const autoscalers = () => cluster.client.resource('horizontalpodautoscalers.autoscaling');
async function deploy(app: string, replicas: number): Promise<void> {
  const labels = { app };
  const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'i' }] } };
  const spec = { replicas, selector: { matchLabels: labels }, template };
  await cluster.client.resource('deployments.apps').create({ metadata: { namespace, name: app }, spec });
}
const autoscale = (app: string, kind = 'Deployment') =>
  autoscalers().create({
    metadata: { namespace, name: app },
    spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind, name: app }, minReplicas: 2, maxReplicas: 4 },
  });
const conditions = async (name: string) => {
  const { status } = await autoscalers().get({ namespace, name });
  return (status.conditions ?? []).map(({ type, status, reason }) => `${type} ${status} ${reason}`);
};

describe('horizontal pod autoscalers', () => {
  it('bring their target into range without any metrics', async () => {
    await deploy('web', 1);
    await autoscale('web');
    const replicas = async () =>
      (await cluster.client.resource('deployments.apps').get({ namespace, name: 'web' })).spec.replicas;
    await expect.poll(replicas, patient).toBe(2);
    await expect.poll(() => conditions('web'), patient).toEqual(['AbleToScale True SucceededRescale']);
    expect((await autoscalers().get({ namespace, name: 'web' })).status).toMatchObject({
      currentReplicas: 1,
      desiredReplicas: 2,
    });
  });

  it('tell that no metrics are served', async () => {
    await deploy('idle', 3);
    await autoscale('idle');
    await expect
      .poll(() => conditions('idle'), patient)
      .toEqual(['AbleToScale True SucceededGetScale', 'ScalingActive False FailedGetResourceMetric']);
    const { status } = await autoscalers().get({ namespace, name: 'idle' });
    expect(status.conditions?.[1]?.message).toBe(
      'the HPA was unable to compute the replica count: failed to get cpu utilization: unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)',
    );
  });

  it('tell that there is nothing to scale', async () => {
    await autoscale('lost', 'Nothing');
    await expect.poll(() => conditions('lost'), patient).toEqual(['AbleToScale False FailedGetScale']);
    await autoscale('absent');
    await expect.poll(() => conditions('absent'), patient).toEqual(['AbleToScale False FailedGetScale']);
  });
});
