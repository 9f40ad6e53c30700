/** The replica sets of a deployment: which is the new one, and what their annotations say of revisions. */
import { semanticEqual } from '@keelson/api/codec/equality';
import type { Deployment, ReplicaSet } from '@keelson/api/generated/types/apps/v1';
import type { PodTemplateSpec } from '@keelson/api/generated/types/core/v1';
import type { LabelSelector } from '@keelson/api/generated/types/meta/v1';
import { structType } from '@keelson/api/schema';
import { controllerReference, type Draft } from '@keelson/client';
import { templateHash } from '../hash.ts';
import { limitsOf, replicasOf } from './limits.ts';

export const DEPLOYMENT = { group: 'apps', version: 'v1', kind: 'Deployment' } as const;
export const HASH_LABEL = 'pod-template-hash';
export const REVISION = 'deployment.kubernetes.io/revision';
const REVISION_HISTORY = 'deployment.kubernetes.io/revision-history';
const DESIRED_REPLICAS = 'deployment.kubernetes.io/desired-replicas';
const MAX_REPLICAS = 'deployment.kubernetes.io/max-replicas';

/** Annotations of a deployment that its replica sets do not get. */
const NOT_COPIED = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  REVISION,
  REVISION_HISTORY,
  DESIRED_REPLICAS,
  MAX_REPLICAS,
  'deprecated.deployment.rollback.to',
]);
const HISTORY_MAX_LENGTH = 2000;
const NAME_MAX_LENGTH = 253;

type Annotations = Readonly<Record<string, string>>;

export const oldestFirst = (a: ReplicaSet, b: ReplicaSet): number => {
  const [first = '', second = ''] = [a.metadata.creationTimestamp, b.metadata.creationTimestamp];
  if (first !== second) return first < second ? -1 : 1;
  return a.metadata.name! < b.metadata.name! ? -1 : 1;
};

/** The oldest replica set that has the deployment's template, and all others, oldest first. */
export function splitSets(
  deployment: Deployment,
  sets: readonly ReplicaSet[],
): { current: ReplicaSet | undefined; old: ReplicaSet[] } {
  const sorted = [...sets].sort(oldestFirst);
  const current = sorted.find(({ spec }) => sameTemplate(spec.template, deployment.spec.template));
  return { current, old: sorted.filter((set) => set !== current) };
}

/** Whether pods of the two are alike; the hash does not count. */
export function sameTemplate(a: PodTemplateSpec, b: PodTemplateSpec): boolean {
  return semanticEqual(withoutHash(a), withoutHash(b), structType('io.k8s.api.core.v1.PodTemplateSpec'));
}

function withoutHash(template: PodTemplateSpec): PodTemplateSpec {
  const labels = template.metadata?.labels;
  if (labels?.[HASH_LABEL] === undefined) return template;
  const { [HASH_LABEL]: _, ...rest } = labels;
  return { ...template, metadata: { ...template.metadata, labels: rest } };
}

/** The revision that a replica set stands for, of 64 bits; undefined for what is no number. */
export function revisionOf({ metadata }: { metadata: { annotations?: Annotations } }): bigint | undefined {
  return integer(metadata.annotations?.[REVISION] ?? '0');
}

export function nextRevision(old: readonly ReplicaSet[]): bigint {
  return old.map((set) => revisionOf(set) ?? 0n).reduce((max, each) => (each > max ? each : max), 0n) + 1n;
}

/** The number of replicas that the deployment had when the set was last scaled. */
export function desiredReplicas({ metadata }: ReplicaSet): number | undefined {
  return count(metadata.annotations?.[DESIRED_REPLICAS]);
}

/** The same and what it could surge by. */
export function maxReplicas({ metadata }: ReplicaSet): number | undefined {
  return count(metadata.annotations?.[MAX_REPLICAS]);
}

/** What a replica set is told whenever it is scaled. */
export function scaleAnnotations(deployment: Deployment): Annotations {
  const replicas = replicasOf(deployment);
  return { [DESIRED_REPLICAS]: String(replicas), [MAX_REPLICAS]: String(replicas + limitsOf(deployment).surge) };
}

/**
 * The annotations of the new replica set: those of the deployment, and the revision, which grows when an old set becomes
 * the new one again. @returns the same object where nothing changes
 */
export function annotationsOfNew(deployment: Deployment, given: Annotations, revision: bigint): Annotations {
  const result: Record<string, string> = { ...given };
  for (const [key, value] of Object.entries(deployment.metadata.annotations ?? {})) {
    if (!NOT_COPIED.has(key)) result[key] = value;
  }
  const before = given[REVISION];
  const known = integer(before ?? '0');
  if (known !== undefined && known < revision) {
    result[REVISION] = String(revision);
    const history = before === undefined ? undefined : longerHistory(given[REVISION_HISTORY], before);
    if (history !== undefined) result[REVISION_HISTORY] = history;
  }
  const changed = Object.entries(result).some(([key, value]) => given[key] !== value);
  return changed ? result : given;
}

/** Forgets the oldest where there are too many; undefined where it cannot grow. */
function longerHistory(history: string | undefined, revision: string): string | undefined {
  if (!history) return revision;
  const revisions = history.split(',');
  let length = history.length + revision.length + 1;
  let start = 0;
  for (; length > HISTORY_MAX_LENGTH && start < revisions.length; start++) length -= revisions[start]!.length + 1;
  return length > HISTORY_MAX_LENGTH ? undefined : [...revisions.slice(start), revision].join(',');
}

/** The replica set of the deployment's template as it is to be created. */
export function newReplicaSet(deployment: Deployment, revision: bigint, replicas: number): Draft<ReplicaSet> {
  const { metadata, spec, status } = deployment;
  const hash = templateHash(spec.template, status.collisionCount);
  const labels = { ...spec.template.metadata?.labels, [HASH_LABEL]: hash };
  return {
    metadata: {
      name: `${metadata.name!.slice(0, NAME_MAX_LENGTH - hash.length - 1)}-${hash}`,
      namespace: metadata.namespace!,
      ownerReferences: [controllerReference(deployment, DEPLOYMENT)],
      labels,
      annotations: { ...annotationsOfNew(deployment, {}, revision), ...scaleAnnotations(deployment) },
    },
    spec: {
      replicas,
      minReadySeconds: spec.minReadySeconds ?? 0,
      selector: withLabel(spec.selector, HASH_LABEL, hash),
      template: { ...spec.template, metadata: { ...spec.template.metadata, labels } },
    },
  };
}

function withLabel(selector: LabelSelector | null, key: string, value: string): LabelSelector {
  return { ...selector, matchLabels: { ...selector?.matchLabels, [key]: value } };
}

function integer(text: string): bigint | undefined {
  if (!/^[+-]?\d{1,20}$/.test(text)) return undefined;
  const value = BigInt(text.replace(/^\+/, ''));
  return BigInt.asIntN(64, value) === value ? value : undefined;
}

function count(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,10}$/.test(text) && Number(text) < 2 ** 31 ? Number(text) : undefined;
}
