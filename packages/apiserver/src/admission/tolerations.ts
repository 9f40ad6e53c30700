/** Plugins that only add tolerations or taints. */
import type { Node, Pod, Toleration } from '@keelson/api/generated/types/core/v1';
import { isExtendedResource } from '@keelson/api/resources/names';
import { type AdmissionPlugin, objectOf, on } from './plugin.ts';

const NOT_READY = 'node.kubernetes.io/not-ready';
const UNREACHABLE = 'node.kubernetes.io/unreachable';

export interface DefaultTolerations {
  /** `--default-not-ready-toleration-seconds` */
  readonly notReadySeconds: number;
  /** `--default-unreachable-toleration-seconds` */
  readonly unreachableSeconds: number;
}

/** How long a pod stays on a node that fails, where it does not say so itself. */
export function defaultTolerationSeconds({ notReadySeconds, unreachableSeconds }: DefaultTolerations): AdmissionPlugin {
  return {
    name: 'DefaultTolerationSeconds',
    handles: on('pods', ['CREATE', 'UPDATE']),
    mutate(a) {
      const { spec } = objectOf<Pod>(a);
      const own = spec.tolerations ?? [];
      const added = [[NOT_READY, notReadySeconds] as const, [UNREACHABLE, unreachableSeconds] as const].flatMap(
        ([key, tolerationSeconds]) =>
          own.some((t) => concerns(t, key))
            ? []
            : [{ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds } satisfies Toleration],
      );
      if (added.length > 0) spec.tolerations = [...own, ...added];
    },
  };
}

function concerns({ key, effect }: Toleration, taint: string): boolean {
  return (!key || key === taint) && (!effect || effect === 'NoExecute');
}

/** A new node takes no pods before the node controller has seen that it is ready. */
export function taintNodesByCondition(): AdmissionPlugin {
  return {
    name: 'TaintNodesByCondition',
    handles: on('nodes', ['CREATE']),
    mutate(a) {
      const node = objectOf<Node>(a);
      const taints = node.spec?.taints ?? [];
      if (taints.some((t) => t.key === NOT_READY && t.effect === 'NoSchedule')) return;
      node.spec = { ...node.spec, taints: [...taints, { key: NOT_READY, effect: 'NoSchedule' }] };
    },
  };
}

/** Nodes with devices are tainted with their names: pods that ask for such a device tolerate that. */
export function extendedResourceToleration(): AdmissionPlugin {
  return {
    name: 'ExtendedResourceToleration',
    handles: on('pods', ['CREATE', 'UPDATE']),
    mutate(a) {
      const { spec } = objectOf<Pod>(a);
      const requested = [...(spec.containers ?? []), ...(spec.initContainers ?? [])]
        .flatMap((c) => Object.keys(c.resources?.requests ?? {}))
        .filter(isExtendedResource);
      for (const key of [...new Set(requested)].sort()) {
        const added = { key, operator: 'Exists', effect: 'NoSchedule' };
        const others = (spec.tolerations ?? []).map((t) => (isSame(t, added) ? added : t));
        spec.tolerations = others.includes(added) ? others : [...others, added];
      }
    },
  };
}

/** Tolerations that differ in nothing but how long they last are one. */
function isSame({ key, operator, effect, value = '' }: Toleration, other: Toleration): boolean {
  return key === other.key && operator === other.operator && effect === other.effect && value === (other.value ?? '');
}
