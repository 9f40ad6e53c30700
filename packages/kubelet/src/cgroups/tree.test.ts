import { describe, expect, it } from 'vitest';
import { FakeKernel } from './testing.ts';
import { findTree } from './tree.ts';
import { weightOf } from './v2.ts';

const ROOT = '/sys/fs/cgroup';
const NAME = ['kubepods', 'pod1'];
const LIMITS = { cpuShares: 512, cpuQuota: 50_000, cpuPeriod: 100_000, memory: 4096, processes: 7, cpus: '0-1' };

describe.each([1, 2] as const)('cgroup v%d', (version) => {
  const path = (controller: string) =>
    version === 1 ? `${ROOT}/${controller}/kubepods/pod1` : `${ROOT}/kubepods/pod1`;
  const files =
    version === 1
      ? {
          [`${path('cpu')}/cpu.shares`]: '512',
          [`${path('cpu')}/cpu.cfs_quota_us`]: '50000',
          [`${path('memory')}/memory.limit_in_bytes`]: '4096',
          [`${path('pids')}/pids.max`]: '7',
          [`${path('cpuset')}/cpuset.cpus`]: '0-1',
          [`${path('hugetlb')}/hugetlb.2MB.limit_in_bytes`]: '8388608',
        }
      : {
          [`${path('')}/cpu.weight`]: '20',
          [`${path('')}/cpu.max`]: '50000 100000',
          [`${path('')}/memory.max`]: '4096',
          [`${path('')}/pids.max`]: '7',
          [`${path('')}/cpuset.cpus`]: '0-1',
          [`${path('')}/hugetlb.2MB.max`]: '8388608',
          [`${path('')}/hugetlb.2MB.rsvd.max`]: '8388608',
          [`${path('')}/hugetlb.1GB.max`]: '0',
        };

  it('makes what is given, reads it, and takes it away', async () => {
    const kernel = new FakeKernel(version);
    const tree = await findTree(kernel);
    expect(tree.version).toBe(version);
    expect(await tree.problem(NAME)).toContain('cgroup ["kubepods" "pod1"]');
    await tree.create(NAME, { ...LIMITS, hugePages: new Map([['2MB', 8_388_608n]]) });
    expect(await tree.problem(NAME)).toBeUndefined();
    for (const [file, text] of Object.entries(files)) expect([file, kernel.get(file)]).toEqual([file, text]);
    expect(await tree.limits(NAME)).toMatchObject({ cpuQuota: 50_000, cpuPeriod: 100_000, memory: 4096 });
    expect(await tree.children(['kubepods'])).toEqual(['pod1']);
    await tree.remove(['kubepods']);
    expect(kernel.exists(path('cpu'))).toBe(false);
    await tree.remove(['kubepods']);
  });

  it('leaves alone what is not given', async () => {
    const kernel = new FakeKernel(version);
    const tree = await findTree(kernel);
    await tree.create(NAME, LIMITS);
    await tree.update(NAME, { memory: 8192 });
    expect(await tree.limits(NAME)).toMatchObject({ cpuQuota: 50_000, memory: 8192 });
    await tree.update(NAME, { cpuQuota: -1, cpuPeriod: 100_000 });
    expect((await tree.limits(NAME)).cpuQuota).toBe(Infinity);
  });

  it('finds processes in it and below', async () => {
    const kernel = new FakeKernel(version);
    const tree = await findTree(kernel);
    await tree.create([...NAME, 'c'], {});
    kernel.run(path('memory'), 11);
    kernel.run(`${path('cpu')}/c`, 12);
    expect(await tree.processes(NAME)).toEqual([11, 12]);
    expect(await tree.processes(['none'])).toEqual([]);
    await expect(tree.remove(NAME)).rejects.toMatchObject({ code: 'EBUSY' });
  });

  it('tells files that were read long ago from memory that is used', async () => {
    const kernel = new FakeKernel(version);
    const tree = await findTree(kernel);
    await tree.create(NAME, {});
    kernel.set(`${path('memory')}/${version === 1 ? 'memory.usage_in_bytes' : 'memory.current'}`, '1000');
    kernel.set(`${path('memory')}/memory.stat`, version === 1 ? 'total_inactive_file 300' : 'inactive_file 300');
    expect(await tree.memory(NAME)).toEqual({ usage: 1000, workingSet: 700, limit: Infinity });
  });
});

it('says in v1 which controllers are not there', async () => {
  await expect(findTree(new FakeKernel(1, ['cpu', 'memory']))).rejects.toThrow(
    'system validation failed - Following Cgroup subsystem not mounted: [cpuacct cpuset]',
  );
  const tree = await findTree(new FakeKernel(1, ['cpu', 'cpuacct', 'cpuset', 'memory']));
  expect(await tree.problem(['a'])).toBe(
    'cgroup ["a"] has some missing paths: /sys/fs/cgroup/cpu/a, /sys/fs/cgroup/cpuacct/a, /sys/fs/cgroup/cpuset/a, /sys/fs/cgroup/memory/a',
  );
});

it('takes away in v1 what a runtime has left in the tree of v2 beside it', async () => {
  const kernel = new FakeKernel(1);
  const tree = await findTree(kernel);
  await tree.create(['a'], {});
  expect(kernel.exists(`${ROOT}/unified/a`)).toBe(false);
  await kernel.make(`${ROOT}/unified/a`);
  await kernel.make(`${ROOT}/unified/a/c`);
  await tree.remove(['a']);
  expect(kernel.exists(`${ROOT}/unified/a`)).toBe(false);
});

it('says in v2 what a cgroup was not given', async () => {
  const kernel = new FakeKernel(2);
  const tree = await findTree(kernel);
  await tree.create(['a'], {});
  kernel.set('/sys/fs/cgroup/a/cgroup.controllers', 'cpu memory pids');
  expect(await tree.problem(['a'])).toBe('cgroup ["a"] has some missing controllers: cpuset, hugetlb');
});

it('says in v1 what is used where a limit is refused', async () => {
  const kernel = new FakeKernel(1);
  const tree = await findTree(kernel);
  await tree.create(['a'], {});
  kernel.set('/sys/fs/cgroup/memory/a/memory.usage_in_bytes', '9000');
  kernel.set('/sys/fs/cgroup/memory/a/memory.max_usage_in_bytes', '9500');
  await expect(tree.update(['a'], { memory: 4096 })).rejects.toThrow(
    'unable to set memory limit to 4096 (current usage: 9000, peak usage: 9500)',
  );
});

it.each([
  [2, 1],
  [1024, 39],
  [262_144, 10_000],
])('%d shares weigh %d', (shares, weight) => expect(weightOf(shares)).toBe(weight));
