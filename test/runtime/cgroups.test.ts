import type { Container, Pod } from '@keelson/api/generated/types/core/v1';
import type { Draft } from '@keelson/client';
import type { Running } from '@keelson/component/running';
import { EVICTION, parseThresholds } from '@keelson/kubelet';
import { systemFiles } from '@keelson/kubelet/cgroups/files';
import { type CgroupTree, findTree } from '@keelson/kubelet/cgroups/tree';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ContainerNode, soon, startContainerNode } from '../support/container-node.ts';
import { BUSYBOX, noContainers } from '../support/containerd.ts';

const namespace = 'default';
const MI = 2 ** 20;

describe.skipIf(noContainers())('cgroups of pods on containerd', { timeout: 60_000 }, () => {
  let machine: ContainerNode;
  let kubelet: Running;
  let tree: CgroupTree;

  const start = (hard: Record<string, string> = {}, reserved: Record<string, string> = {}) =>
    machine.startKubelet({
      eviction: { ...EVICTION, thresholds: parseThresholds({ hard, ofPods: true }) },
      cgroups: { ...machine.cgroups, podProcesses: 200 },
      reserved: { kube: { memory: '64Mi', cpu: '100m' }, system: reserved },
    });

  beforeAll(async () => {
    machine = await startContainerNode();
    tree = await findTree(systemFiles);
    kubelet = await start();
  }, 120_000);

  afterAll(async () => {
    await kubelet?.stop();
    await machine?.stop();
  }, 120_000);

  const nameOf = (...pieces: string[]) => [machine.cgroups.root.slice(1), 'kubepods', ...pieces];
  const pods = () => machine.admin.resource('pods');
  const get = (name: string) => pods().get({ namespace, name });
  const phase = async (name: string) => (await get(name)).status?.phase;
  const forever = 'trap "exit 0" TERM; while :; do sleep 0.2; done';
  const create = (name: string, resources: Draft<Container['resources']>, script = forever) =>
    pods().create({
      metadata: { namespace, name },
      spec: {
        nodeName: 'real',
        automountServiceAccountToken: false,
        terminationGracePeriodSeconds: 1,
        containers: [{ name: 'c', image: BUSYBOX, command: ['/bin/sh', '-c', script], resources }],
      },
    } as Draft<Pod>);
  const both = (amounts: Record<string, string>) => ({ requests: amounts, limits: amounts });

  it('has the containers of a pod in the cgroup of the pod, with the limits of both', async () => {
    await create('guaranteed', both({ cpu: '200m', memory: '64Mi' }));
    await create('burstable', { requests: { cpu: '300m' } });
    await soon(() => phase('guaranteed')).toBe('Running');
    await soon(() => phase('burstable')).toBe('Running');
    const { metadata } = await get('guaranteed');
    const name = nameOf(`pod${metadata.uid}`);
    expect(await tree.limits(name)).toEqual({
      cpuShares: 204,
      cpuQuota: 20_000,
      cpuPeriod: 100_000,
      memory: 64 * MI,
    });
    const { containers } = await machine.runtime.pod(metadata.uid!);
    expect(await tree.children(name)).toContain(containers[0]!.id);
    expect((await tree.processes(name)).length).toBeGreaterThan(1);
    expect((await tree.limits(nameOf('burstable'))).cpuShares).toBe(307);
    expect((await tree.limits(nameOf('besteffort'))).cpuShares).toBe(2);
  });

  it('keeps from all pods what is reserved', async () => {
    const { status } = await machine.admin.resource('nodes').get({ name: 'real' });
    const kibibytes = (text: string) => Number(text.replace('Ki', ''));
    const { capacity, allocatable } = status!;
    expect(kibibytes(capacity!.memory!) - kibibytes(allocatable!.memory!)).toBe(64 * 1024);
    expect((await tree.limits(nameOf())).memory).toBe(kibibytes(allocatable!.memory!) * 1024);
  });

  it('resizes the cgroup with the containers', async () => {
    const wanted = both({ cpu: '300m', memory: '96Mi' });
    const patch = { spec: { containers: [{ name: 'c', resources: wanted }] } };
    const { metadata, status } = await get('guaranteed');
    const limits = () => tree.limits(nameOf(`pod${metadata.uid}`));
    const resize = (body: object) =>
      pods().patch({ namespace, name: 'guaranteed' }, 'strategic', body, { subresource: 'resize' });
    await resize(patch);
    await soon(limits).toMatchObject({ cpuShares: 307, cpuQuota: 30_000, memory: 96 * MI });
    await resize({ spec: { containers: [{ name: 'c', resources: both({ cpu: '100m', memory: '48Mi' }) }] } });
    await soon(limits).toMatchObject({ cpuShares: 102, cpuQuota: 10_000, memory: 48 * MI });
    const after = (await get('guaranteed')).status?.containerStatuses?.[0];
    expect(after).toMatchObject({ restartCount: 0, containerID: status!.containerStatuses![0]!.containerID });
  });

  it('takes no memory away that is used', async () => {
    const resources = both({ cpu: '100m', memory: '48Mi' });
    await create('full', resources, `dd if=/dev/zero of=/dev/shm/file bs=1M count=20; echo full; ${forever}`);
    await soon(() => machine.logs({ namespace, name: 'full' }, 'c').catch(() => '')).toContain('full');
    const patch = { spec: { containers: [{ name: 'c', resources: both({ cpu: '100m', memory: '16Mi' }) }] } };
    await pods().patch({ namespace, name: 'full' }, 'strategic', patch, { subresource: 'resize' });
    const progress = async () => {
      const { conditions } = (await get('full')).status!;
      return conditions?.find(({ type }) => type === 'PodResizeInProgress');
    };
    await soon(async () => (await progress())?.message).toMatch(
      /^\[attempting to set pod memory limit \(16777216\) below current usage \(\d+\), attempting to set container "c" memory limit \(16777216\) below current usage \(\d+\)\]$/,
    );
    expect(await phase('full')).toBe('Running');
    await pods().delete({ namespace, name: 'full' });
    await soon(() => get('full').catch(({ reason }) => reason)).toBe('NotFound');
  });

  it('takes away the cgroup of a pod that is gone', async () => {
    const { metadata } = await get('burstable');
    await pods().delete({ namespace, name: 'burstable' });
    await soon(() => get('burstable').catch(({ reason }) => reason)).toBe('NotFound');
    expect(await tree.problem(nameOf('burstable', `pod${metadata.uid}`))).toBeDefined();
    await soon(async () => (await tree.limits(nameOf('burstable'))).cpuShares).toBe(2);
  });

  it('ends a pod when all pods together have too little memory left', async () => {
    await create('greedy', {}, `dd if=/dev/zero of=/dev/shm/file bs=1M count=30; echo full; ${forever}`);
    await soon(() => machine.logs({ namespace, name: 'greedy' }, 'c').catch(() => '')).toContain('full');
    await kubelet.stop();
    const { memory } = await tree.limits(nameOf());
    // What the machine has is enough for anybody: what is short is what pods may have of it.
    kubelet = await start({ 'memory.available': '16Mi' }, { memory: `${memory / MI - 40}Mi` });
    await soon(() => phase('greedy')).toBe('Failed');
    const { status } = await get('greedy');
    expect(status?.reason).toBe('Evicted');
    expect(status?.message).toMatch(
      /^The node was low on resource: memory\. Threshold quantity: 16Mi, available: \d+Ki\. /,
    );
    expect(await phase('guaranteed')).toBe('Running');
  });

  it('leaves no cgroups behind', async () => {
    await pods().deleteCollection({ namespace }, { gracePeriodSeconds: 1 });
    await soon(async () => (await pods().list({ namespace })).items.length).toBe(0);
    await kubelet.stop();
    expect(await tree.problem([machine.cgroups.root.slice(1)])).toBeDefined();
  });
});
