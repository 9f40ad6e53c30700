import type { Pod, ResourceRequirements } from '@keelson/api/generated/types/core/v1';
import { describe, expect, it } from 'vitest';
import { simulatedPods } from '../runtime/simulated/preparer.ts';
import { testNode } from '../testing/node.ts';
import { container, podOf } from '../testing/pods.ts';
import { resizeRestarts, sameResources } from './allocation.ts';

const cpu = (request: string, limit?: string): ResourceRequirements => ({
  requests: { cpu: request },
  ...(limit ? { limits: { cpu: limit } } : {}),
});
const podWith = (resources: ResourceRequirements, generation = 1, more = {}): Pod =>
  podOf({ containers: [container('a', { resources, ...more })] }, { generation });
/** As a client would, by the subresource `resize`. */
const resized = (stored: Pod, pod: Pod): Pod => ({ ...pod, status: stored.status! });
const conditions = (pod: Pod | undefined) =>
  (pod?.status?.conditions ?? [])
    .filter(({ type }) => type.startsWith('PodResize'))
    .map(({ type, reason }) => [type, reason]);

describe('a resize', () => {
  it('is granted and made true while the container runs', async () => {
    const node = testNode();
    const pod = podWith(cpu('500m'));
    await node.put(pod);
    const [before] = await node.containers(pod);
    await node.put(resized(node.stored()!, podWith(cpu('1', '2'), 2)));
    await node.pass(10);
    const [status] = node.stored()!.status!.containerStatuses!;
    expect(status).toMatchObject({ resources: cpu('1', '2'), allocatedResources: { cpu: '1' }, restartCount: 0 });
    expect(conditions(node.stored())).toEqual([]);
    expect((await node.containers(pod))[0]!.id).toBe(before!.id);
    expect(node.events.slice(-2)).toEqual([
      'ResizeStarted: Pod resize started: {"containers":[{"name":"a","resources":{"limits":{"cpu":"2"},"requests":{"cpu":"1"}}}],"generation":2}',
      'ResizeCompleted: Pod resize completed: {"containers":[{"name":"a","resources":{"limits":{"cpu":"2"},"requests":{"cpu":"1"}}}],"generation":2}',
    ]);
  });

  it('of the pod as a whole reaches containers that have no limit of their own', async () => {
    const node = testNode();
    const whole = (limit: string, generation: number) =>
      podOf(
        {
          containers: [container('a', { resources: cpu('100m') }), container('b', { resources: cpu('100m', '200m') })],
          resources: cpu('500m', limit),
        },
        { generation },
      );
    const pod = whole('1', 1);
    await node.put(pod);
    const before = await node.containers(pod);
    const updated: string[] = [];
    const update = node.runtime.updateContainer.bind(node.runtime);
    node.runtime.updateContainer = (id, resources) => {
      updated.push(id);
      return update(id, resources);
    };
    await node.put(resized(node.stored()!, whole('1500m', 2)));
    await node.pass(10);
    expect(updated).toEqual(before.filter(({ metadata }) => metadata.name === 'a').map(({ id }) => id));
    expect(node.stored()!.status).toMatchObject({
      resources: cpu('500m', '1500m'),
      allocatedResources: { cpu: '500m' },
    });
    expect(node.stored()!.status!.containerStatuses!.map(({ resources }) => resources)).toEqual([
      cpu('100m'),
      cpu('100m', '200m'),
    ]);
    expect(conditions(node.stored())).toEqual([]);
    expect(node.events.map((event) => event.split(':')[0])).toEqual(
      expect.arrayContaining(['ResizeStarted', 'ResizeCompleted']),
    );
  });

  it('of the pod as a whole is not told before it is true', async () => {
    const memory = (limit: string) => ({ requests: { memory: limit }, limits: { memory: limit } });
    const whole = (limit: string, generation: number) =>
      podOf({ containers: [container('a')], resources: memory(limit) }, { generation });
    const { podResources } = simulatedPods();
    const shrinkProblem = async (pod: Pod) => (pod.spec?.resources?.limits?.memory === '1Ki' ? 'in use' : undefined);
    const node = testNode({ podResources: { ...podResources, shrinkProblem } });
    await node.put(whole('1Gi', 1));
    await node.put(resized(node.stored()!, whole('1Ki', 2)));
    await node.pass(10);
    expect(conditions(node.stored())).toEqual([['PodResizeInProgress', 'Error']]);
    expect(node.stored()!.status).toMatchObject({
      resources: memory('1Gi'),
      allocatedResources: { memory: '1Ki' },
    });
  });

  it('of the pod as a whole waits for room', async () => {
    const node = testNode();
    const whole = (request: string, generation: number) =>
      podOf({ containers: [container('a')], resources: cpu(request) }, { generation });
    await node.put(whole('500m', 1));
    await node.put(resized(node.stored()!, whole('3', 2)));
    await node.pass(10);
    expect(conditions(node.stored())).toEqual([['PodResizePending', 'Deferred']]);
    expect(node.stored()!.status!.allocatedResources).toEqual({ cpu: '500m' });
  });

  it('of an init container is made true while it runs', async () => {
    const node = testNode();
    const withInit = (request: string, generation: number) =>
      podOf(
        { containers: [container('a')], initContainers: [container('i', { resources: cpu(request) })] },
        { generation, annotations: { 'keelson.dev/simulated-run-time.i': '1h' } },
      );
    await node.put(withInit('100m', 1));
    await node.put(resized(node.stored()!, withInit('200m', 2)));
    await node.pass(10);
    expect(node.stored()!.status!.initContainerStatuses![0]).toMatchObject({
      resources: cpu('200m'),
      allocatedResources: { cpu: '200m' },
      restartCount: 0,
    });
  });

  it('restarts the container where its policy wants that', async () => {
    const node = testNode();
    const resizePolicy = [{ resourceName: 'cpu', restartPolicy: 'RestartContainer' }];
    await node.put(podWith(cpu('500m'), 1, { resizePolicy }));
    await node.put(resized(node.stored()!, podWith(cpu('1'), 2, { resizePolicy })));
    await node.pass(10);
    expect(node.stored()!.status!.containerStatuses![0]).toMatchObject({ resources: cpu('1'), restartCount: 1 });
    expect(node.events).toContain('Killing: Container a resize requires restart');
  });

  it('waits for room', async () => {
    const node = testNode();
    const other = podOf({ containers: [container('b', { resources: cpu('1500m') })] }, { name: 'other', uid: 'u2' });
    await node.put(other);
    await node.put(podWith(cpu('100m')));
    await node.put(resized(node.stored()!, podWith(cpu('1'), 2)));
    await node.pass(10);
    expect(conditions(node.stored())).toEqual([['PodResizePending', 'Deferred']]);
    expect(node.stored()!.status!.containerStatuses![0]).toMatchObject({ allocatedResources: { cpu: '100m' } });
    await node.delete('other', 1);
    await node.pass(3_000);
    expect(conditions(node.stored())).toEqual([]);
    expect(node.stored()!.status!.containerStatuses![0]).toMatchObject({ allocatedResources: { cpu: '1' } });
  });
});

describe('sameResources', () => {
  it.each([
    [cpu('1'), cpu('1000m'), true],
    [cpu('1'), cpu('1', '2'), false],
    [{ requests: { 'example.com/x': '1' } }, {}, true],
    [{}, cpu('0'), true],
  ])('%j %j', (a, b, same) => expect(sameResources(a, b)).toBe(same));
});

describe('resizeRestarts', () => {
  it('asks the policy of what changes alone', () => {
    const spec = container('a', { resizePolicy: [{ resourceName: 'memory', restartPolicy: 'RestartContainer' }] });
    expect(resizeRestarts(spec, cpu('1'), cpu('2'))).toBe(false);
    expect(resizeRestarts(spec, { limits: { memory: '1Gi' } }, { limits: { memory: '2Gi' } })).toBe(true);
  });
});
