/** How long pods have when the machine goes down, by their priority (pkg/kubelet/nodeshutdown/nodeshutdown_manager.go). */
import type { Pod } from '@keelson/api/generated/types/core/v1';

/** Of pods with this priority, up to that of the next period. */
export interface ShutdownPeriod {
  readonly priority: number;
  readonly seconds: number;
}

export interface ShutdownGroup {
  readonly period: ShutdownPeriod;
  readonly pods: readonly Pod[];
}

/** Pods of less priority than any period are of the first. @returns in the order in which they end */
export function groupByPriority(periods: readonly ShutdownPeriod[], pods: readonly Pod[]): ShutdownGroup[] {
  const sorted = [...periods].sort((a, b) => a.priority - b.priority);
  const indexOf = ({ spec }: Pod) =>
    Math.max(
      0,
      sorted.findLastIndex(({ priority }) => priority <= (spec?.priority ?? 0)),
    );
  return sorted.map((period, index) => ({ period, pods: pods.filter((pod) => indexOf(pod) === index) }));
}
