/** What a job reads from its pods, and writes into them. */
import type { Job } from '@keelson/api/generated/types/batch/v1';
import type { Container, Pod, PodTemplateSpec } from '@keelson/api/generated/types/core/v1';
import { judgeFailure } from './policy.ts';

export const TRACKING_FINALIZER = 'batch.kubernetes.io/job-tracking';
const COMPLETION_INDEX = 'batch.kubernetes.io/job-completion-index';
const FAILURE_COUNT = 'batch.kubernetes.io/job-index-failure-count';
const IGNORED_FAILURE_COUNT = 'batch.kubernetes.io/job-index-ignored-failure-count';
const INDEX_VARIABLE = 'JOB_COMPLETION_INDEX';
/** What a server may append to has to fit into a label. */
const MAX_GENERATED_PREFIX = 58;

export const isIndexed = ({ spec }: Job): boolean => spec.completionMode === 'Indexed';
export const isSuspended = ({ spec }: Job): boolean => spec.suspend === true;
export const isTracked = ({ metadata }: Pod): boolean => metadata.finalizers?.includes(TRACKING_FINALIZER) ?? false;

/** Whether pods that are on their way out are waited for before they are replaced. */
export function replacesOnlyFailed({ spec }: Job): boolean {
  return spec.podReplacementPolicy === 'Failed' || spec.podFailurePolicy !== undefined;
}

/** A pod that is being deleted has failed as well, unless only those that have come to their end are replaced. */
export function hasFailed(pod: Pod, job: Job): boolean {
  const { phase } = pod.status;
  if (phase === 'Failed') return true;
  return !replacesOnlyFailed(job) && pod.metadata.deletionTimestamp !== undefined && phase !== 'Succeeded';
}

/** Undefined for a pod of no index. */
export function indexOf({ metadata }: Pod): number | undefined {
  return natural(metadata.annotations?.[COMPLETION_INDEX]);
}

/** Failures of the pod's index before it, those that count towards the limit. */
export function failuresBefore({ metadata }: Pod): number {
  return natural(metadata.annotations?.[FAILURE_COUNT]) ?? 0;
}

/** All failures of the pod's index before it. */
export function allFailuresBefore(pod: Pod): number {
  return failuresBefore(pod) + (natural(pod.metadata.annotations?.[IGNORED_FAILURE_COUNT]) ?? 0);
}

function natural(text: string | undefined): number | undefined {
  return text !== undefined && /^\+?\d{1,10}$/.test(text) ? Number(text) : undefined;
}

/** The template of a job's pods. @param replaced the failed pod of the same index, where back-off is per index */
export function templateOf(job: Job, index: number | undefined, replaced: Pod | undefined): PodTemplateSpec {
  const { metadata, spec } = job.spec.template;
  const finalizers = [...new Set([...(metadata?.finalizers ?? []), TRACKING_FINALIZER])];
  if (index === undefined) return { metadata: { ...metadata, finalizers }, spec };
  const counts = job.spec.backoffLimitPerIndex === undefined ? {} : failureCounts(job, replaced);
  const { initContainers, containers } = spec;
  return {
    metadata: {
      ...metadata,
      finalizers,
      labels: { ...metadata?.labels, [COMPLETION_INDEX]: String(index) },
      annotations: { ...metadata?.annotations, [COMPLETION_INDEX]: String(index), ...counts },
    },
    spec: {
      ...spec,
      ...(initContainers ? { initContainers: initContainers.map(withIndexVariable) } : {}),
      containers: (containers ?? []).map(withIndexVariable),
      hostname: `${job.metadata.name}-${index}`,
    },
  };
}

/** `job-3-` */
export function generateNameOf(job: Job, index: number): string {
  const end = `-${index}-`;
  return job.metadata.name!.slice(0, MAX_GENERATED_PREFIX - end.length) + end;
}

function failureCounts(job: Job, replaced: Pod | undefined): Record<string, string> {
  if (!replaced) return { [FAILURE_COUNT]: '0' };
  const { counts } = judgeFailure(job.spec.podFailurePolicy, replaced);
  const counted = failuresBefore(replaced) + (counts ? 1 : 0);
  const ignored = allFailuresBefore(replaced) - failuresBefore(replaced) + (counts ? 0 : 1);
  return { [FAILURE_COUNT]: String(counted), ...(ignored > 0 ? { [IGNORED_FAILURE_COUNT]: String(ignored) } : {}) };
}

function withIndexVariable(container: Container): Container {
  if (container.env?.some(({ name }) => name === INDEX_VARIABLE)) return container;
  const fieldRef = { fieldPath: `metadata.labels['${COMPLETION_INDEX}']` };
  return { ...container, env: [...(container.env ?? []), { name: INDEX_VARIABLE, valueFrom: { fieldRef } }] };
}
