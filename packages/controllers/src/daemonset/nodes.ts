/** Which nodes have a pod of a daemon set, and the pods that are made for them (pkg/controller/daemon/util). */
import type { DaemonSet } from '@keelson/api/generated/types/apps/v1';
import type { Affinity, Node, Pod, PodTemplateSpec, Toleration } from '@keelson/api/generated/types/core/v1';
import { requiredNodeAffinity } from '@keelson/api/resources/node-selector';
import { hasUntolerated } from '@keelson/api/resources/tolerations';
import { REVISION_LABEL } from '../history/revisions.ts';

const GENERATION_ANNOTATION = 'deprecated.daemonset.template.generation';
const GENERATION_LABEL = 'pod-template-generation';

export interface NodeVerdict {
  /** A pod is to be there. */
  readonly run: boolean;
  /** One that is there may stay: taints that came later only keep new ones off. */
  readonly stay: boolean;
}

/** Judges nodes for one daemon set: what its template asks for is read once. */
export function nodeJudge({ spec }: DaemonSet): (node: Node) => NodeVerdict {
  const { template } = spec;
  const { nodeName } = template.spec;
  const tolerations = withDaemonTolerations(template.spec.tolerations, template.spec.hostNetwork);
  const matches = requiredNodeAffinity(template as Pod) ?? (() => true);
  return (node) => {
    if ((nodeName && nodeName !== node.metadata.name) || !matches(node)) return { run: false, stay: false };
    const { taints = [] } = node.spec;
    if (!hasUntolerated(taints, tolerations)) return { run: true, stay: true };
    const evicting = taints.filter(({ effect }) => effect === 'NoExecute');
    return { run: false, stay: !hasUntolerated(evicting, tolerations) };
  };
}

/** What is wrong with a node does not drive its daemons away. */
const TOLERATED: readonly (readonly [key: string, effect: string])[] = [
  ['node.kubernetes.io/not-ready', 'NoExecute'],
  ['node.kubernetes.io/unreachable', 'NoExecute'],
  ['node.kubernetes.io/disk-pressure', 'NoSchedule'],
  ['node.kubernetes.io/memory-pressure', 'NoSchedule'],
  ['node.kubernetes.io/pid-pressure', 'NoSchedule'],
  ['node.kubernetes.io/unschedulable', 'NoSchedule'],
];
const NO_NETWORK = ['node.kubernetes.io/network-unavailable', 'NoSchedule'] as const;

/** One that is there already, but for how long it holds, is replaced where it stands. */
function withDaemonTolerations(given: readonly Toleration[] = [], hostNetwork = false): Toleration[] {
  const result = [...given];
  for (const [key, effect] of hostNetwork ? [...TOLERATED, NO_NETWORK] : TOLERATED) {
    const toleration = { key, operator: 'Exists', effect };
    const at = result.findIndex((t) => t.key === key && t.effect === effect && t.operator === 'Exists' && !t.value);
    if (at >= 0) result[at] = toleration;
    else result.push(toleration);
  }
  return result;
}

/** The template of the pod for one node. @param hash of the revision */
export function templateFor({ metadata, spec }: DaemonSet, hash: string, node: string): PodTemplateSpec {
  const { template } = spec;
  const generation = metadata.annotations?.[GENERATION_ANNOTATION];
  return {
    metadata: {
      ...template.metadata,
      labels: {
        ...template.metadata?.labels,
        ...(generation !== undefined && /^-?\d+$/.test(generation) ? { [GENERATION_LABEL]: generation } : {}),
        [REVISION_LABEL]: hash,
      },
    },
    spec: {
      ...template.spec,
      tolerations: withDaemonTolerations(template.spec.tolerations, template.spec.hostNetwork),
      affinity: pinned(template.spec.affinity, node),
    },
  };
}

/** The scheduler binds it, to this node alone: what else was required has been looked at already. */
function pinned(affinity: Affinity | undefined, node: string): Affinity {
  const matchFields = [{ key: 'metadata.name', operator: 'In', values: [node] }];
  const required = { nodeSelectorTerms: [{ matchFields }] };
  return {
    ...affinity,
    nodeAffinity: { ...affinity?.nodeAffinity, requiredDuringSchedulingIgnoredDuringExecution: required },
  };
}

/** The node that a pod is on, or meant for. */
export function targetNode({ spec }: Pod): string | undefined {
  if (spec.nodeName) return spec.nodeName;
  const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  const fields = terms.flatMap(({ matchFields }) => matchFields ?? []);
  const values = fields.find(({ key, operator }) => key === 'metadata.name' && operator === 'In')?.values;
  return values?.length === 1 ? values[0] : undefined;
}

/** Whether a pod is of the newest template. */
export function isUpdated(pod: Pod, { metadata }: DaemonSet, hash: string): boolean {
  const labels = pod.metadata.labels ?? {};
  const generation = metadata.annotations?.[GENERATION_ANNOTATION];
  return labels[REVISION_LABEL] === hash || (generation !== undefined && labels[GENERATION_LABEL] === generation);
}
