import type { Pod } from '@keelson/api/generated/types/core/v1';
import { manualWorld } from '@keelson/client/testing/world';
import { beforeEach, describe, expect, it } from 'vitest';
import { amountsOf } from '../resources/requests.ts';
import { container, podOf } from '../testing/pods.ts';
import { NodeCgroups, type NodeCgroupsOptions } from './node.ts';
import { MadeCgroups, namedCgroups } from './pods.ts';
import { FakeKernel } from './testing.ts';
import { type CgroupTree, findTree } from './tree.ts';

const ROOT = '/sys/fs/cgroup';
const MI = 2 ** 20;

let kernel: FakeKernel;
let tree: CgroupTree;
let world: ReturnType<typeof manualWorld>;
let events: string[];
let pods: Pod[];

beforeEach(async () => {
  kernel = new FakeKernel(1);
  tree = await findTree(kernel);
  world = manualWorld();
  events = [];
  pods = [];
});

const nodeCgroups = (more: Partial<NodeCgroupsOptions> = {}) =>
  new NodeCgroups({
    world,
    recorder: { event: (_about, type, reason, message) => void events.push(`${type} ${reason}: ${message}`) },
    node: { reference: {} },
    tree,
    root: [],
    ownsRoot: false,
    enforce: new Set(['pods']),
    kube: { amounts: amountsOf({ cpu: '500m', memory: '10Mi', pid: '100' }), cgroup: '/kube' },
    system: { amounts: amountsOf({ memory: '20Mi' }), cgroup: '/system' },
    capacity: amountsOf({ cpu: '2', memory: '100Mi', pid: '1000', 'hugepages-2Mi': '4Mi' }),
    cpus: '0-1',
    pods: () => pods,
    ...more,
  });

describe('the cgroups above those of pods', () => {
  it('hold all pods to what is not reserved', async () => {
    await nodeCgroups().start();
    expect(kernel.get(`${ROOT}/cpu/kubepods/cpu.shares`)).toBe('1536');
    expect(kernel.get(`${ROOT}/memory/kubepods/memory.limit_in_bytes`)).toBe(String(70 * MI));
    expect(kernel.get(`${ROOT}/pids/kubepods/pids.max`)).toBe('900');
    expect(kernel.get(`${ROOT}/cpuset/kubepods/cpuset.cpus`)).toBe('0-1');
    expect(kernel.get(`${ROOT}/hugetlb/kubepods/hugetlb.2MB.limit_in_bytes`)).toBe(String(4 * MI));
    expect(kernel.get(`${ROOT}/cpu/kubepods/besteffort/cpu.shares`)).toBe('2');
    expect(kernel.get(`${ROOT}/hugetlb/kubepods/burstable/hugetlb.1GB.limit_in_bytes`)).toBe('4611686018427387904');
    expect(events).toEqual(['Normal NodeAllocatableEnforced: Updated Node Allocatable limit across pods']);
  });

  it('let them have all there is where they are not held to anything', async () => {
    await nodeCgroups({ enforce: new Set() }).start();
    expect(kernel.get(`${ROOT}/memory/kubepods/memory.limit_in_bytes`)).toBe(String(100 * MI));
  });

  it('weigh a class as its pods do together', async () => {
    const node = nodeCgroups();
    await node.start();
    const burstable = [container('a', { resources: { requests: { cpu: '750m' } } })];
    pods = [
      podOf({ containers: burstable }),
      podOf({ containers: burstable }),
      podOf({ containers: [container('b')] }),
    ];
    await node.update();
    expect(kernel.get(`${ROOT}/cpu/kubepods/burstable/cpu.shares`)).toBe('1536');
    expect(kernel.get(`${ROOT}/cpu/kubepods/besteffort/cpu.shares`)).toBe('2');
  });

  it('are held to less as soon as pods use less', async () => {
    await tree.create(['kubepods'], {});
    kernel.set(`${ROOT}/memory/kubepods/memory.usage_in_bytes`, String(80 * MI));
    await nodeCgroups().start();
    const why = `unable to set memory limit to ${70 * MI} (current usage: ${80 * MI}, peak usage: 0)`;
    expect(events).toEqual([
      `Warning FailedNodeAllocatableEnforcement: Failed to update Node Allocatable Limits ["kubepods"]: ${why}`,
    ]);
    kernel.set(`${ROOT}/memory/kubepods/memory.usage_in_bytes`, '0');
    await world.pass(60_000);
    await expect.poll(() => events.length).toBe(2);
    expect(kernel.get(`${ROOT}/memory/kubepods/memory.limit_in_bytes`)).toBe(String(70 * MI));
  });

  it('hold the system to what is reserved for it', async () => {
    await tree.create(['system'], {});
    await tree.create(['kube'], {});
    await nodeCgroups({ enforce: new Set(['system-reserved', 'kube-reserved-compressible']) }).start();
    expect(kernel.get(`${ROOT}/memory/system/memory.limit_in_bytes`)).toBe(String(20 * MI));
    expect(kernel.get(`${ROOT}/cpu/kube/cpu.shares`)).toBe('512');
    expect(kernel.get(`${ROOT}/memory/kube/memory.limit_in_bytes`)).toBe('9223372036854771712');
    expect(events.slice(1)).toEqual([
      'Normal NodeAllocatableEnforced: Updated limits on system reserved cgroup /system',
      'Normal NodeAllocatableEnforced: Updated limits on kube reserved cgroup /kube',
    ]);
  });

  it('want those of the system to be there', async () => {
    await expect(nodeCgroups({ enforce: new Set(['kube-reserved']) }).start()).rejects.toThrow(
      'Failed to enforce Kube Reserved Cgroup Limits on "/kube": cgroup ["kube"] has some missing paths: ',
    );
  });

  it('want their root to be there, or own it until the last pod is gone', async () => {
    const root = ['up'];
    await expect(nodeCgroups({ root }).start()).rejects.toThrow(
      'invalid configuration: cgroup ["up"] has some missing paths: ',
    );
    const node = nodeCgroups({ root, ownsRoot: true });
    await node.start();
    await tree.create(['up', 'kubepods', 'burstable', 'pod1'], {});
    await node.stop();
    expect(kernel.exists(`${ROOT}/cpu/up/kubepods`)).toBe(true);
    await tree.remove(['up', 'kubepods', 'burstable', 'pod1']);
    await node.stop();
    expect(kernel.exists(`${ROOT}/cpu/up`)).toBe(false);
  });
});

describe('cgroups of pods', () => {
  const path = (controller: string, file: string, uid = 'u1', qos = '') =>
    `${ROOT}/${controller}/kubepods${qos}/pod${uid}/${file}`;
  const amounts = (cpu: string, memory: string) => ({ requests: { cpu, memory }, limits: { cpu, memory } });
  const guaranteed = (cpu: string, memory: string) =>
    podOf({ containers: [container('a', { resources: amounts(cpu, memory) })] });
  const quota = () => kernel.get(path('cpu', 'cpu.cfs_quota_us'));
  const memory = () => kernel.get(path('memory', 'memory.limit_in_bytes'));
  const made = () =>
    new MadeCgroups({
      world,
      tree,
      root: [],
      limits: () => ({ cpuQuota: true, processes: -1 }),
      changed: async () => {},
      kill: kernel.kill,
    });

  beforeEach(() => nodeCgroups().start());

  it('are made once, and not touched by looking again', async () => {
    const cgroups = made();
    const pod = guaranteed('1', '10Mi');
    expect(cgroups.parentOf(pod)).toBe('/kubepods/podu1');
    await cgroups.ensure(pod);
    expect([quota(), memory()]).toEqual(['100000', String(10 * MI)]);
    kernel.set(path('cpu', 'cpu.cfs_quota_us'), '5');
    await cgroups.ensure(pod);
    await cgroups.grow(pod);
    await cgroups.settle(pod);
    expect(quota()).toBe('5');
  });

  it('grow before containers do, and shrink after', async () => {
    const cgroups = made();
    await cgroups.ensure(guaranteed('1', '10Mi'));
    const resized = guaranteed('2', '5Mi');
    await cgroups.ensure(resized);
    await cgroups.grow(resized);
    expect([quota(), memory()]).toEqual(['200000', String(10 * MI)]);
    await cgroups.settle(resized);
    expect([quota(), memory()]).toEqual(['200000', String(5 * MI)]);
  });

  it('do not shrink below what is used', async () => {
    const cgroups = made();
    await cgroups.ensure(guaranteed('1', '10Mi'));
    kernel.set(path('memory', 'memory.usage_in_bytes'), String(6 * MI));
    expect(await cgroups.problem(guaranteed('1', '20Mi'))).toBeUndefined();
    expect(await cgroups.problem(guaranteed('2', '7Mi'))).toBeUndefined();
    expect(await cgroups.problem(guaranteed('1', '5Mi'))).toBe(
      `attempting to set pod memory limit (${5 * MI}) below current usage (${6 * MI})`,
    );
    await expect(cgroups.settle(guaranteed('1', '5Mi'))).rejects.toThrow('below current usage');
    expect(memory()).toBe(String(10 * MI));
  });

  it('are put right by a kubelet that starts in the middle of a resize', async () => {
    await made().ensure(guaranteed('1', '10Mi'));
    const cgroups = made();
    const resized = guaranteed('500m', '20Mi');
    await cgroups.settle(resized);
    expect(quota()).toBe('100000');
    await cgroups.ensure(resized);
    await cgroups.grow(resized);
    expect([quota(), memory()]).toEqual(['100000', String(20 * MI)]);
    await cgroups.settle(resized);
    expect([quota(), memory()]).toEqual(['50000', String(20 * MI)]);
  });

  it('say why they cannot be made', async () => {
    kernel.make = () => Promise.reject(new Error('no'));
    await expect(made().ensure(guaranteed('1', '1Mi'))).rejects.toThrow(
      'failed to create container for [kubepods podu1] : no',
    );
  });

  it('go with what is left in them', async () => {
    const cgroups = made();
    await cgroups.ensure(guaranteed('1', '10Mi'));
    await tree.create(['kubepods', 'podu1', 'c'], {});
    kernel.run(`${ROOT}/memory/kubepods/podu1/c`, 4711);
    await cgroups.remove('u1');
    expect(kernel.exists(`${ROOT}/memory/kubepods/podu1`)).toBe(false);
    await cgroups.remove('u1');
  });

  it('that are empty and nobody’s go at the second look, others stay', async () => {
    const cgroups = made();
    const exists = (uid: string) => kernel.exists(`${ROOT}/memory/kubepods/besteffort/pod${uid}`);
    for (const uid of ['known', 'orphan', 'runs']) await tree.create(['kubepods', 'besteffort', `pod${uid}`], {});
    kernel.run(`${ROOT}/memory/kubepods/besteffort/podruns`, 4711);
    const isKnown = (uid: string) => uid === 'known';
    await cgroups.removeOrphans(isKnown);
    expect(exists('orphan')).toBe(true);
    await cgroups.removeOrphans(isKnown);
    expect(['known', 'orphan', 'runs'].map(exists)).toEqual([true, false, true]);
  });

  it('that others make have names', () => {
    const { parentOf } = namedCgroups('systemd', () => ['kubepods', 'pod1-2']);
    expect(parentOf(guaranteed('1', '1Mi'))).toBe('/kubepods.slice/kubepods-pod1_2.slice');
  });
});
