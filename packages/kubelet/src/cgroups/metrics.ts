/** How long changes of cgroups take (pkg/kubelet/metrics: CgroupManagerDuration), and of which version they are. */
import { DEFAULT_BOUNDS, Gauge, Histogram } from '@keelson/component/metrics/families';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import type { CgroupTree } from './tree.ts';

/** The same tree, counted. @param now milliseconds of a clock that never goes backwards */
export function countedTree(tree: CgroupTree, registry: MetricsRegistry, now: () => number): CgroupTree {
  const durations = registry.register(
    new Histogram(
      {
        name: 'kubelet_cgroup_manager_duration_seconds',
        help: 'How long changes of cgroups took.',
        stability: 'ALPHA',
        labels: ['operation_type'],
      },
      DEFAULT_BOUNDS,
    ),
  );
  const version = { name: 'kubelet_cgroup_version', help: 'The version of cgroups.', stability: 'ALPHA' } as const;
  registry.register(new Gauge(version)).with().value = tree.version;
  const timed = async (operation: string, work: () => Promise<void>): Promise<void> => {
    const startedAt = now();
    await work().finally(() => durations.with(operation).observe((now() - startedAt) / 1000));
  };
  return {
    version: tree.version,
    pageSizes: tree.pageSizes,
    problem: (name) => tree.problem(name),
    limits: (name) => tree.limits(name),
    memory: (name) => tree.memory(name),
    processes: (name) => tree.processes(name),
    children: (name) => tree.children(name),
    create: (name, limits) => timed('create', () => tree.create(name, limits)),
    update: (name, limits) => timed('update', () => tree.update(name, limits)),
    remove: (name) => timed('destroy', () => tree.remove(name)),
  };
}
