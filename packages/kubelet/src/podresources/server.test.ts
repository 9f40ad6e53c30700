import { join } from 'node:path';
import { manualWorld } from '@keelson/client/testing/world';
import { RpcClient } from '@keelson/component/grpc/client';
import { MetricsRegistry } from '@keelson/component/metrics/registry';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { socketDirectory } from '../plugins/testing.ts';
import { container, podOf } from '../testing/pods.ts';
import { alphaLister, podResourcesLister } from './messages.ts';
import { endpointMetrics } from './metrics.ts';
import { servePodResources } from './server.ts';

const POD = podOf({
  initContainers: [container('i'), container('s', { restartPolicy: 'Always' })],
  containers: [container('a'), container('b')],
});
const RESOURCE = 'example.com/dev';

describe('the socket of the resources of pods', { timeout: 20_000 }, () => {
  const timeoutMs = 10_000;
  let directory: Awaited<ReturnType<typeof socketDirectory>>;
  let registry: MetricsRegistry;
  let client: RpcClient;
  let stop: () => void;
  let released = 0;
  beforeEach(async () => {
    directory = await socketDirectory();
    registry = new MetricsRegistry();
    released = 0;
    const socket = join(directory.path, 'pod-resources', 'kubelet.sock');
    const held: Record<string, number[]> = { a: [0, 1], s: [] };
    stop = await servePodResources({
      socket,
      world: manualWorld(),
      metrics: endpointMetrics(registry),
      pods: () => [POD],
      allPods: () => [POD, podOf({ containers: [container('c')] }, { name: 'ended', uid: 'u2' })],
      devices: {
        devicesOf: (uid, name) =>
          held[name] && uid === 'u1' ? [{ resource: RESOURCE, id: name, nodes: held[name] }] : [],
        allocatable: () => [{ resource: RESOURCE, id: 'd1', nodes: [] }],
        releaseEnded: () => released++,
      },
      exclusive: {
        cpuIds: (uid, name) => (uid === 'u1' && name === 'a' ? [2, 3] : []),
        allocatableCpuIds: () => [1, 2, 3],
        memoryOf: (_uid, name) => (name === 'a' ? [{ nodes: [0, 1], type: 'memory', size: 7 }] : []),
        allocatableMemory: () => [{ nodes: [0], type: 'hugepages-2Mi', size: 2 ** 33 }],
      },
      dynamicResources: (_pod, { name }) =>
        name === 'b'
          ? [
              {
                claimName: 'c',
                claimNamespace: 'default',
                claimResources: [
                  { cdiDevices: [{ name: 'v.io/gpu=0' }], driverName: 'd', poolName: 'p', deviceName: 'g' },
                ],
              },
            ]
          : [],
    });
    client = new RpcClient(`unix:${socket}`);
  });
  afterEach(async () => {
    client.close();
    stop();
    await directory.remove();
  });

  const device = (id: string, node?: number) => ({
    resourceName: RESOURCE,
    deviceIds: [id],
    topology: node === undefined ? null : { nodes: [{ ID: node }] },
  });
  const memory = (memoryType: string, size: number, ...ids: number[]) => ({
    memoryType,
    size,
    topology: { nodes: ids.map((ID) => ({ ID })) },
  });
  const none = { cpuIds: [], memory: [] };
  const resources = {
    name: 'web',
    namespace: 'default',
    containers: [
      { ...none, name: 's', devices: [device('s')], dynamicResources: [] },
      {
        ...none,
        cpuIds: [2, 3],
        memory: [memory('memory', 7, 0, 1)],
        name: 'a',
        devices: [device('a', 0), device('a', 1)],
        dynamicResources: [],
      },
      {
        ...none,
        name: 'b',
        devices: [],
        dynamicResources: [
          {
            claimName: 'c',
            claimNamespace: 'default',
            claimResources: [{ cdiDevices: [{ name: 'v.io/gpu=0' }], driverName: 'd', poolName: 'p', deviceName: 'g' }],
          },
        ],
      },
    ],
  };

  it('tells what containers have, and what they can have', async () => {
    expect(await client.call(podResourcesLister, 'List', {}, { timeoutMs })).toEqual({ podResources: [resources] });
    expect(released).toBe(1);
    const named = { podName: 'web', podNamespace: 'default' };
    expect(await client.call(podResourcesLister, 'Get', named, { timeoutMs })).toEqual({ podResources: resources });
    expect(await client.call(podResourcesLister, 'GetAllocatableResources', {}, { timeoutMs })).toEqual({
      cpuIds: [1, 2, 3],
      memory: [memory('hugepages-2Mi', 2 ** 33, 0)],
      devices: [device('d1')],
    });
    await expect(
      client.call(podResourcesLister, 'Get', { podName: 'x', podNamespace: 'y' }, { timeoutMs }),
    ).rejects.toThrow('rpc error: code = Unknown desc = pod x in namespace y not found');
    const text = await registry.text();
    for (const line of ['requests_total', 'requests_list', 'requests_get_allocatable', 'requests_get', 'errors_get']) {
      const count = { requests_total: 4, requests_get: 2 }[line] ?? 1;
      expect(text).toContain(`kubelet_pod_resources_endpoint_${line}{server_api_version="v1"} ${count}\n`);
    }
  });

  it('speaks v1alpha1, of regular containers and of pods that ended too', async () => {
    const { podResources } = await client.call(alphaLister, 'List', {}, { timeoutMs });
    const devices = Array(2).fill({ resourceName: RESOURCE, deviceIds: ['a'] });
    expect(podResources).toEqual([
      {
        name: 'web',
        namespace: 'default',
        containers: [
          { name: 'a', devices },
          { name: 'b', devices: [] },
        ],
      },
      { name: 'ended', namespace: 'default', containers: [{ name: 'c', devices: [] }] },
    ]);
    const text = await registry.text();
    expect(text).toContain('kubelet_pod_resources_endpoint_requests_total{server_api_version="v1alpha1"} 1\n');
  });

  it('does not answer more often than it should', async () => {
    const ask = () => client.call(podResourcesLister, 'List', {}, { timeoutMs });
    for (let i = 0; i < 10; i++) await ask();
    await expect(ask()).rejects.toThrow('rpc error: code = ResourceExhausted desc = rejected by rate limit');
  });
});
