/** Counts containers that end, as their statuses say it first (pkg/kubelet/status/status_manager.go). */
import type { ContainerStatus, PodStatus } from '@keelson/api/generated/types/core/v1';
import { Counter } from '@keelson/component/metrics/families';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';

const LISTS = [
  ['init_container', 'initContainerStatuses'],
  ['container', 'containerStatuses'],
  ['ephemeral_container', 'ephemeralContainerStatuses'],
] as const;

/** @returns what is to be told of each new status of a pod */
export function terminationsOf(metrics: MetricsRegistry): (old: PodStatus, status: PodStatus) => void {
  const total = metrics.register(
    new Counter({
      name: 'kubelet_terminated_containers_total',
      help: 'Containers that ended, by how they did.',
      stability: 'ALPHA',
      labels: ['container_type', 'exit_code', 'reason'],
    }),
  );
  return (old, status) => {
    for (const [type, list] of LISTS)
      for (const { exitCode, reason = '' } of ended(old[list] ?? [], status[list] ?? []))
        total.with(type, String(exitCode), reason).inc();
  };
}

function ended(before: readonly ContainerStatus[], after: readonly ContainerStatus[]) {
  return after.flatMap(({ name, state }) => {
    const had = before.find((each) => each.name === name)?.state?.terminated;
    return state?.terminated && !had ? [state.terminated] : [];
  });
}
