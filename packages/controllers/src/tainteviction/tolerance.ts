/** How long a pod stays on a tainted node (pkg/controller/tainteviction). */
import type { Taint, Toleration } from '@keelson/api/generated/types/core/v1';
import { tolerates } from '@keelson/api/resources/tolerations';

/**
 * @param taints those of effect NoExecute
 * @returns seconds; 0: not at all, Infinity: for good
 */
export function toleranceSeconds(taints: readonly Taint[], tolerations: readonly Toleration[]): number {
  const used: Toleration[] = [];
  for (const taint of taints) {
    const found = tolerations.filter((toleration) => tolerates(toleration, taint));
    if (found.length === 0) return 0;
    used.push(found[0]!);
  }
  const limits = used.flatMap(({ tolerationSeconds }) => tolerationSeconds ?? []);
  return Math.max(0, Math.min(Number.POSITIVE_INFINITY, ...limits));
}
