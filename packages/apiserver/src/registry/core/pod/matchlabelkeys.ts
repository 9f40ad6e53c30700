/** Label keys of affinity and spread terms, merged into their selectors when the pod is made (strategy.go mutatePodAffinity). */
import type { Pod, PodAffinity, PodAffinityTerm } from '@keelson/api/generated/types/core/v1';
import type { LabelSelector } from '@keelson/api/generated/types/meta/v1';
import type { IsEnabled } from '../../../gates.ts';

export function mergeMatchLabelKeys({ metadata, spec }: Pod, isEnabled: IsEnabled): void {
  const labels = metadata.labels ?? {};
  for (const term of [...termsOf(spec.affinity?.podAffinity), ...termsOf(spec.affinity?.podAntiAffinity)]) {
    merge(term.labelSelector, term.matchLabelKeys, 'In', labels);
    merge(term.labelSelector, term.mismatchLabelKeys, 'NotIn', labels);
  }
  if (!isEnabled('MatchLabelKeysInPodTopologySpreadSelectorMerge')) return;
  for (const constraint of spec.topologySpreadConstraints ?? [])
    merge(constraint.labelSelector, constraint.matchLabelKeys, 'In', labels);
}

function termsOf(affinity: PodAffinity | undefined): PodAffinityTerm[] {
  return [
    ...(affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((weighted) => weighted.podAffinityTerm),
    ...(affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
  ];
}

/** Without a selector the term matches nothing, and stays so. */
function merge(
  selector: LabelSelector | undefined,
  keys: readonly string[] | undefined,
  operator: 'In' | 'NotIn',
  labels: Readonly<Record<string, string>>,
): void {
  if (!selector) return;
  for (const key of keys ?? []) {
    const value = labels[key];
    if (value === undefined) continue;
    selector.matchExpressions ??= [];
    selector.matchExpressions.push({ key, operator, values: [value] });
  }
}
