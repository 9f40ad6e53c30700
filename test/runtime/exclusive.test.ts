import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Container, Pod } from '@keelson/api/generated/types/core/v1';
import type { Draft } from '@keelson/client';
import { RpcClient } from '@keelson/component/grpc/client';
import type { Running } from '@keelson/component/running';
import { systemFiles } from '@keelson/kubelet/cgroups/files';
import { findTree } from '@keelson/kubelet/cgroups/tree';
import { parseCpus } from '@keelson/kubelet/cpus/set';
import { podResourcesLister } from '@keelson/kubelet/podresources/messages';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ContainerNode, soon, startContainerNode } from '../support/container-node.ts';
import { BUSYBOX, noContainers } from '../support/containerd.ts';

const namespace = 'default';
const count = availableParallelism();

/** One CPU can be somebody's own. */
describe.skipIf(noContainers() ?? count < 2)('CPUs and memory of containers on containerd', { timeout: 60_000 }, () => {
  let machine: ContainerNode;
  let kubelet: Running;

  const start = () =>
    machine.startKubelet({
      cgroups: machine.cgroups,
      reserved: { kube: { cpu: String(count - 1), memory: '64Mi' }, system: {} },
      cpus: { policy: 'static', wholeCores: false, strict: false, distribute: false, byCache: false, reconcileMs: 100 },
      memory: { policy: 'Static', reserved: [{ numaNode: 0, limits: { memory: '64Mi' } }] },
      topology: { policy: 'restricted', scope: 'container', preferClosest: false, maxNodes: 8 },
    });

  beforeAll(async () => {
    machine = await startContainerNode();
    kubelet = await start();
  }, 120_000);

  afterAll(async () => {
    await kubelet?.stop();
    await machine?.stop();
  }, 120_000);

  const pods = () => machine.admin.resource('pods');
  const get = (name: string) => pods().get({ namespace, name });
  const phase = async (name: string) => (await get(name)).status?.phase;
  const script = 'while :; do grep Cpus_allowed_list /proc/self/status | cut -f2; sleep 0.1; done';
  const create = (name: string, resources: Draft<Container['resources']>) =>
    pods().create({
      metadata: { namespace, name },
      spec: {
        nodeName: 'real',
        automountServiceAccountToken: false,
        terminationGracePeriodSeconds: 0,
        containers: [{ name: 'c', image: BUSYBOX, command: ['/bin/sh', '-c', script], resources }],
      },
    } as Draft<Pod>);
  const amounts = { cpu: '1', memory: '32Mi' };
  const guaranteed = { requests: amounts, limits: amounts };
  /** Where it runs now. */
  const runsOn = async (name: string) => {
    const lines = (await machine.logs({ namespace, name }, 'c').catch(() => '')).trim().split('\n');
    return [...parseCpus(lines.at(-1) ?? '')];
  };
  /** The nodes that the pod has its memory from, as the kubelet remembers them. */
  const nodesOf = async (uid: string) => {
    const text = await readFile(join(machine.rootDirectory, 'memory_manager_state'), 'utf8');
    const { entries } = JSON.parse(text) as { entries: Record<string, { c: { numaAffinity: number[] }[] }> };
    return entries[uid]!.c[0]!.numaAffinity;
  };
  let own: number[];
  /** Whether others run on all CPUs but the owner's. */
  const isLeft = async () => {
    const others = await runsOn('sharing');
    return others.length === count - 1 && !others.includes(own[0]!);
  };

  it('gives a container a CPU that others leave', async () => {
    await create('sharing', {});
    await soon(async () => (await runsOn('sharing')).length).toBe(count);
    await create('owner', guaranteed);
    await soon(async () => {
      own = await runsOn('owner');
      return own.length;
    }).toBe(1);
    await soon(isLeft).toBe(true);
  });

  it('does not limit the time of what has a CPU of its own', async () => {
    const tree = await findTree(systemFiles);
    const { metadata } = await get('owner');
    const { cpuQuota, cpuShares } = await tree.limits([
      machine.cgroups.root.slice(1),
      'kubepods',
      `pod${metadata.uid}`,
    ]);
    expect([cpuQuota, cpuShares]).toEqual([Infinity, 1024]);
  });

  it('tells who has which', async () => {
    const path = join(machine.rootDirectory, 'pod-resources/kubelet.sock');
    const socket = new RpcClient(`unix:${path}`, { waitForReady: true });
    try {
      const asked = { podName: 'owner', podNamespace: namespace };
      const { podResources } = await socket.call(podResourcesLister, 'Get', asked, { timeoutMs: 10_000 });
      const nodes = await nodesOf((await get('owner')).metadata.uid!);
      const memory = [{ memoryType: 'memory', size: 32 * 2 ** 20, topology: { nodes: nodes.map((ID) => ({ ID })) } }];
      expect(podResources.containers[0]).toMatchObject({ name: 'c', cpuIds: own, memory });
      const all = await socket.call(podResourcesLister, 'GetAllocatableResources', {}, { timeoutMs: 10_000 });
      expect(all.cpuIds).toEqual(own);
    } finally {
      socket.close();
    }
  });

  it('has its memory from the nodes that it is said to be from', async () => {
    const { metadata } = await get('owner');
    const { containers } = await machine.runtime.pod(metadata.uid!);
    const path = `${machine.cgroups.root}/kubepods/pod${metadata.uid}/${containers[0]!.id}/cpuset.mems`;
    const texts = ['/sys/fs/cgroup/cpuset', '/sys/fs/cgroup'].map((root) => readFile(root + path, 'utf8'));
    expect([...parseCpus((await Promise.any(texts)).trim())]).toEqual(await nodesOf(metadata.uid!));
  });

  it('refuses whom there is none left for', async () => {
    await create('late', guaranteed);
    await soon(() => phase('late')).toBe('Failed');
    expect((await get('late')).status).toMatchObject({
      reason: 'TopologyAffinityError',
      message: 'Pod was rejected: Resources cannot be allocated with Topology locality',
    });
  });

  it('does not resize what has a CPU of its own', async () => {
    const less = { ...amounts, cpu: '500m' };
    const patch = { spec: { containers: [{ name: 'c', resources: { requests: less, limits: less } }] } };
    await pods().patch({ namespace, name: 'owner' }, 'strategic', patch, { subresource: 'resize' });
    const pending = async () =>
      (await get('owner')).status?.conditions?.find(({ type }) => type === 'PodResizePending');
    await soon(pending).toMatchObject({
      reason: 'Infeasible',
      message: 'Resize is infeasible for Guaranteed Pods alongside CPU Manager policy "static"',
    });
  });

  it('knows who has it when it is started again, and gives it back', async () => {
    await kubelet.stop();
    kubelet = await start();
    await soon(isLeft).toBe(true);
    await soon(() => runsOn('owner')).toEqual(own);
    await pods().delete({ namespace, name: 'owner' });
    await soon(async () => (await runsOn('sharing')).length).toBe(count);
  });
});
