import { MetricsRegistry } from '@keelson/component/metrics/registry';
import { expect, test } from 'vitest';
import { countedTree } from './metrics.ts';
import type { CgroupTree } from './tree.ts';

test('changes of cgroups are timed, those that fail, too', async () => {
  const registry = new MetricsRegistry();
  let now = 0;
  const slow = async () => {
    now += 250;
  };
  const failing = async () => {
    now += 500;
    throw new Error('busy');
  };
  const tree = { version: 2, pageSizes: [], create: slow, update: slow, remove: failing } as unknown as CgroupTree;
  const counted = countedTree(tree, registry, () => now);
  await counted.create(['a'], {});
  await expect(counted.remove(['a'])).rejects.toThrow('busy');
  const text = await registry.text();
  expect(text).toContain('kubelet_cgroup_version 2\n');
  expect(text.match(/^kubelet_cgroup_manager\w+_sum.*/gm)).toEqual([
    'kubelet_cgroup_manager_duration_seconds_sum{operation_type="create"} 0.25',
    'kubelet_cgroup_manager_duration_seconds_sum{operation_type="destroy"} 0.5',
  ]);
});
