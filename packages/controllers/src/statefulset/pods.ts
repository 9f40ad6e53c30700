/** Names, ordinals and pods of a stateful set (pkg/controller/statefulset/stateful_set_utils.go). */
import type { ControllerRevision, StatefulSet } from '@keelson/api/generated/types/apps/v1';
import type { PersistentVolumeClaim, Pod, PodTemplateSpec, Volume } from '@keelson/api/generated/types/core/v1';
import type { Draft } from '@keelson/client';
import { REVISION_LABEL, templateIn } from '../history/revisions.ts';
import { podOf } from '../pods/control.ts';

export const STATEFUL_SET = { group: 'apps', version: 'v1', kind: 'StatefulSet' } as const;
const NAME_LABEL = 'statefulset.kubernetes.io/pod-name';
const INDEX_LABEL = 'apps.kubernetes.io/pod-index';

/** `web` and 3 for `web-3`; undefined for another name. */
function parse(name: string): { parent: string; ordinal: number } | undefined {
  const [, parent, digits] = /^(.*)-(\d+)$/s.exec(name) ?? [];
  if (parent === undefined || Number(digits) >= 2 ** 31) return undefined;
  return { parent, ordinal: Number(digits) };
}

export function ordinalOf({ metadata }: Pod): number | undefined {
  return parse(metadata.name!)?.ordinal;
}

export function isMember(set: StatefulSet, { metadata }: Pod): boolean {
  return parse(metadata.name!)?.parent === set.metadata.name;
}

/** The first ordinal, and the one behind the last. */
export function ordinalsOf({ spec }: StatefulSet): { start: number; end: number } {
  const start = spec.ordinals?.start ?? 0;
  return { start, end: start + (spec.replicas ?? 0) };
}

export function isInRange(set: StatefulSet, ordinal: number): boolean {
  const { start, end } = ordinalsOf(set);
  return ordinal >= start && ordinal < end;
}

export const podName = (set: StatefulSet, ordinal: number) => `${set.metadata.name}-${ordinal}`;
export const revisionOf = ({ metadata }: Pod) => metadata.labels?.[REVISION_LABEL];

/** A pod that is not there as it is to be created, of one revision. */
export function newPod(set: StatefulSet, revision: ControllerRevision, ordinal: number): Draft<Pod> {
  const name = podName(set, ordinal);
  const template = templateIn(revision) ?? set.spec.template;
  const labels = {
    ...template.metadata?.labels,
    ...identityLabels(name, ordinal),
    [REVISION_LABEL]: revision.metadata.name!,
  };
  const versioned: PodTemplateSpec = {
    metadata: { ...template.metadata, labels },
    spec: {
      ...template.spec,
      hostname: name,
      subdomain: set.spec.serviceName ?? '',
      volumes: volumesOf(set, ordinal, template.spec.volumes),
    },
  };
  return podOf(versioned, set, STATEFUL_SET, { name });
}

function identityLabels(name: string, ordinal: number): Record<string, string> {
  return { [NAME_LABEL]: name, [INDEX_LABEL]: String(ordinal) };
}

function volumesOf(set: StatefulSet, ordinal: number, given: readonly Volume[] = []): Volume[] {
  const claims = claimsOf(set, ordinal);
  const names = new Set(claims.map(({ volume }) => volume));
  const own = claims.map(({ volume, claim }) => ({
    name: volume,
    persistentVolumeClaim: { claimName: claim.metadata.name! },
  }));
  return [...own, ...given.filter(({ name }) => !names.has(name))];
}

/** The claims of one pod, by the name of the volume. */
export function claimsOf(set: StatefulSet, ordinal: number): { volume: string; claim: PersistentVolumeClaim }[] {
  return (set.spec.volumeClaimTemplates ?? []).map((template) => {
    const { name, labels } = template.metadata;
    const metadata = {
      ...template.metadata,
      name: `${name}-${podName(set, ordinal)}`,
      namespace: set.metadata.namespace!,
      labels: { ...labels, ...set.spec.selector?.matchLabels },
    };
    return { volume: name!, claim: { ...template, metadata } };
  });
}

/** Whether the pod has its name's label and its own storage. */
export function isItself(set: StatefulSet, pod: Pod): boolean {
  const ordinal = ordinalOf(pod)!;
  const { name, labels } = pod.metadata;
  const storage = claimsOf(set, ordinal).every(({ volume, claim }) => {
    const mounted = pod.spec.volumes?.find((each) => each.name === volume);
    return mounted?.persistentVolumeClaim?.claimName === claim.metadata.name;
  });
  return storage && name === podName(set, ordinal) && labels?.[NAME_LABEL] === name;
}

/** The pod with what it needs to be itself. */
export function madeItself(set: StatefulSet, pod: Pod): Pod {
  const ordinal = ordinalOf(pod)!;
  const labels = { ...pod.metadata.labels, ...identityLabels(pod.metadata.name!, ordinal) };
  const volumes = volumesOf(set, ordinal, pod.spec.volumes);
  return { ...pod, metadata: { ...pod.metadata, labels }, spec: { ...pod.spec, volumes } };
}
