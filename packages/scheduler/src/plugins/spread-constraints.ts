import type { Node, Pod, TopologySpreadConstraint } from '@keelson/api/generated/types/core/v1';
import { hasUntolerated } from '@keelson/api/resources/tolerations';
import { LabelSelector, selectorOfObject } from '@keelson/api/selectors/labels';
import type { Counter } from '../cache/counts.ts';
import type { PodInfo } from '../pods/pod-info.ts';

export const HOSTNAME = 'kubernetes.io/hostname';

/** Where the configuration leaves it to the system. */
export const SYSTEM_DEFAULTS: readonly TopologySpreadConstraint[] = [
  { topologyKey: HOSTNAME, whenUnsatisfiable: 'ScheduleAnyway', maxSkew: 3 },
  { topologyKey: 'topology.kubernetes.io/zone', whenUnsatisfiable: 'ScheduleAnyway', maxSkew: 5 },
];

export interface Constraint {
  readonly topologyKey: string;
  readonly maxSkew: number;
  readonly minDomains: number;
  readonly selector: LabelSelector;
  /** Nodes that the pod may not use by their labels do not count. */
  readonly honorAffinity: boolean;
  /** Nor do those whose taints it does not tolerate. */
  readonly honorTaints: boolean;
  /** Pods of the namespace that the constraint is about; those that are going away do not count. */
  readonly counter: Counter;
}

/** @throws Error for selectors that make no sense */
export function compileConstraints(
  constraints: readonly TopologySpreadConstraint[],
  pod: Pod,
  when: string,
): Constraint[] {
  return constraints
    .filter(({ whenUnsatisfiable }) => whenUnsatisfiable === when)
    .map(({ topologyKey, maxSkew, minDomains = 1, nodeAffinityPolicy, nodeTaintsPolicy, ...rest }) => {
      const selector = withMatchLabelKeys(selectorOfObject(rest.labelSelector), rest.matchLabelKeys ?? [], pod);
      const constraint = {
        topologyKey,
        maxSkew,
        minDomains,
        honorAffinity: (nodeAffinityPolicy ?? 'Honor') === 'Honor',
        honorTaints: (nodeTaintsPolicy ?? 'Ignore') === 'Honor',
      };
      return { ...constraint, ...selecting(selector, pod.metadata.namespace ?? '') };
    });
}

/** What of a constraint depends on the pods that it is about. A selector that selects everything counts nothing. */
export function selecting(selector: LabelSelector, namespace: string): Pick<Constraint, 'selector' | 'counter'> {
  const counts = ({ pod: { metadata }, namespace: theirs }: PodInfo) =>
    theirs === namespace &&
    !metadata.deletionTimestamp &&
    !selector.empty &&
    selector.matches(metadata.labels ?? NO_LABELS);
  const key = `PodTopologySpread/${namespace}/${selector.empty ? '*' : selector}`;
  return { selector, counter: { key, of: (pod) => (counts(pod) ? 1 : 0) } };
}

const NO_LABELS = {};

/** Only pods that have the same values of these labels as this one. */
function withMatchLabelKeys(selector: LabelSelector, keys: readonly string[], { metadata }: Pod): LabelSelector {
  const { labels = {} } = metadata;
  const own = keys.flatMap((key) => {
    const value = labels[key];
    return value === undefined ? [] : [{ key, operator: '=' as const, values: [value] }];
  });
  const nothing = selector.requirements.length === 0 && !selector.empty;
  return own.length === 0 || nothing ? selector : new LabelSelector([...own, ...selector.requirements]);
}

export function hasAllKeys({ metadata: { labels } }: Node, constraints: readonly Constraint[]): boolean {
  if (!labels) return constraints.length === 0;
  for (const { topologyKey } of constraints) if (labels[topologyKey] === undefined) return false;
  return true;
}

/** Whether the node counts when the constraint is judged. */
export function countsFor({ honorAffinity, honorTaints }: Constraint, pod: PodInfo, node: Node): boolean {
  if (honorAffinity && pod.nodeAffinity && !pod.nodeAffinity(node)) return false;
  return !honorTaints || !hasUntolerated(node.spec.taints, pod.pod.spec.tolerations);
}
