import type { HorizontalPodAutoscaler } from '@keelson/api/generated/types/autoscaling/v2';
import { Client, InformerFactory } from '@keelson/client';
import { Channel } from '@keelson/client/testing/channel';
import { FakeTransport } from '@keelson/client/testing/transport';
import { manualWorld } from '@keelson/client/testing/world';
import { expect, test } from 'vitest';
import type { ControllerContext } from '../controller.ts';
import { defaultSettings } from '../settings.ts';
import { start } from './controller.ts';

const AUTOSCALERS = '/apis/autoscaling/v2/horizontalpodautoscalers';
const STATUS = /horizontalpodautoscalers\/(\w+)\/status$/;
const SCALE = /deployments\/(\w+)\/scale$/;

test('one that goes while it is looked at does not keep its pods from another', async () => {
  const [changes, none] = [new Channel<Uint8Array>(), new Channel<Uint8Array>()];
  const lookedAt = Promise.withResolvers<void>();
  const reasons: Record<string, string | undefined> = {};
  const transport = new FakeTransport(async ({ method, path, body }) => {
    const [where, query = ''] = path.split('?');
    const watches = query.includes('watch=');
    if (query.includes('sendInitialEvents')) return { status: 422 };
    if (where === AUTOSCALERS) return { body: watches ? changes : list(autoscaler('old')) };
    if (where === '/api/v1/pods') return { body: watches ? none : list(pod) };
    if (where === '/api' || where === '/apis') return { body: { items: where === '/apis' ? [apps] : [] } };
    const [, scaled] = SCALE.exec(where!) ?? [];
    if (scaled === 'old') await lookedAt.promise;
    if (scaled) return { body: scale(scaled) };
    const [, told] = STATUS.exec(where!) ?? [];
    if (method !== 'PUT' || !told) return { status: 404 };
    const sent = JSON.parse(Buffer.from(body!).toString()) as HorizontalPodAutoscaler;
    reasons[told] = sent.status.conditions?.find(({ type }) => type === 'ScalingActive')?.reason;
    return { body: sent };
  });
  const world = manualWorld();
  const client = new Client({ transport, world, component: 'test' });
  const informers = new InformerFactory(client);
  const recorder = { event: () => {} };
  const context = { client, informers, world, settings: defaultSettings, recorder: () => recorder };
  const running = await start(context as unknown as ControllerContext);
  informers.start();
  await world.pass(0);
  changes.push(event('DELETED', autoscaler('old')), event('ADDED', autoscaler('other')));
  await world.pass(0);
  lookedAt.resolve();
  await world.pass(40_000);
  expect(reasons.other).toBe('FailedGetResourceMetric');
  await running.stop();
  changes.end();
  none.end();
  await informers.stop();
});

const event = (type: string, object: object) => Buffer.from(`${JSON.stringify({ type, object })}\n`);
const list = (item: object) => ({ metadata: { resourceVersion: '1' }, items: [item] });
const pod = { metadata: { name: 'p', namespace: 'ns', uid: 'p', labels: { app: 'web' } }, spec: {}, status: {} };
const autoscaler = (name: string): HorizontalPodAutoscaler => ({
  metadata: { name, namespace: 'ns', uid: name, resourceVersion: '1' },
  spec: {
    scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
    maxReplicas: 4,
    metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } } }],
  },
  status: { currentMetrics: null, desiredReplicas: 0 },
});
const scale = (name: string) => ({
  metadata: { name, namespace: 'ns' },
  spec: { replicas: 1 },
  status: { replicas: 1, selector: 'app=web' },
});
const apps = {
  metadata: { name: 'apps' },
  versions: [
    {
      version: 'v1',
      resources: [
        {
          resource: 'deployments',
          scope: 'Namespaced',
          verbs: ['get'],
          responseKind: { group: 'apps', version: 'v1', kind: 'Deployment' },
          subresources: [{ subresource: 'scale', verbs: ['get', 'update'] }],
        },
      ],
    },
  ],
};
