/** What of a job may change: little, unless it is suspended. */

import { semanticEqual } from '@keelson/api/codec/equality';
import { type ErrorList, invalid, Path } from '@keelson/api/field';
import type { Job, JobSpec } from '@keelson/api/generated/types/batch/v1';
import type { Affinity, Container, PodSpec, PodTemplateSpec } from '@keelson/api/generated/types/core/v1';
import { structType } from '@keelson/api/schema';
import { nameIsDNSSubdomain } from '@keelson/api/validation/names';
import { immutableField, immutableName } from '../../validation/fields.ts';
import { internalValue } from '../../validation/internal.ts';
import { shownSelector } from '../../validation/labelselector.ts';
import { validateKubeObjectMeta, validateKubeObjectMetaUpdate } from '../../validation/objectmeta.ts';
import type { JobValidationOptions } from './options.ts';
import { validateJob, validateJobSpec } from './validation.ts';

const POD_TEMPLATE = structType('io.k8s.api.core.v1.PodTemplateSpec');
const POD_SPEC = structType('io.k8s.api.core.v1.PodSpec');
const METADATA = Path.of('metadata');
const SPEC = Path.of('spec');

/** Upstream validates the spec both as a new job's and as an update's, and says what is wrong twice. */
export function validateUpdate(job: Job, old: Job, options: JobValidationOptions): ErrorList {
  const [spec, before] = [job.spec, old.spec];
  return [
    ...validateKubeObjectMeta(job.metadata, true, nameIsDNSSubdomain, METADATA),
    ...validateJob(job, options),
    ...validateKubeObjectMetaUpdate(job.metadata, old.metadata, METADATA),
    ...validateJobSpec(spec, options, SPEC),
    ...validateCompletions(spec, before, SPEC.child('completions')),
    ...immutableField(spec.selector, before.selector, SPEC.child('selector'), shownSelector(spec.selector)),
    ...validateTemplateUpdate(spec, before, options),
    ...immutableName(spec.completionMode, before.completionMode, SPEC.child('completionMode')),
    ...immutable('PodFailurePolicy', spec.podFailurePolicy, before.podFailurePolicy, SPEC.child('podFailurePolicy')),
    ...immutableField(spec.backoffLimitPerIndex, before.backoffLimitPerIndex, SPEC.child('backoffLimitPerIndex')),
    ...immutableName(spec.managedBy, before.managedBy, SPEC.child('managedBy')),
    ...immutable('SuccessPolicy', spec.successPolicy, before.successPolicy, SPEC.child('successPolicy')),
  ];
}

function immutable(type: string, value: unknown, old: unknown, path: Path): ErrorList {
  const shown = internalValue(`io.k8s.api.batch.v1.${type}`, value);
  return semanticEqual(value, old) ? [] : [invalid(path, shown, 'field is immutable')];
}

/** Indexed jobs scale: completions change together with parallelism. */
function validateCompletions(spec: JobSpec, old: JobSpec, path: Path): ErrorList {
  const { completionMode, completions, parallelism } = spec;
  if (completionMode !== 'Indexed') return immutableField(completions, old.completions, path);
  if (completions === undefined || completions === old.completions || completions === parallelism) return [];
  return [invalid(path, completions, 'can only be modified in tandem with spec.parallelism')];
}

function validateTemplateUpdate(
  spec: JobSpec,
  old: JobSpec,
  { allowMutableScheduling, allowMutableResources }: JobValidationOptions,
): ErrorList {
  const { template } = spec;
  const before = allowMutableScheduling ? withSchedulingOf(template, old.template) : old.template;
  if (!allowMutableResources) return immutableTemplate(template, before);
  if (semanticEqual(template.spec, withResourcesOf(template.spec, before.spec), POD_SPEC)) return [];
  const shown = internalValue(POD_SPEC.name, template.spec);
  return [invalid(SPEC.child('template', 'spec'), shown, 'field is immutable')];
}

function immutableTemplate(template: PodTemplateSpec, old: PodTemplateSpec): ErrorList {
  if (semanticEqual(template, old, POD_TEMPLATE)) return [];
  const shown = internalValue(POD_TEMPLATE.name, template);
  return [invalid(SPEC.child('template'), shown, 'field is immutable')];
}

/** The old template with what tells the scheduler where to put its pods as it is in the new one, and its labels. */
function withSchedulingOf({ metadata, spec }: PodTemplateSpec, old: PodTemplateSpec): PodTemplateSpec {
  const { nodeSelector, tolerations, schedulingGates } = spec;
  const affinity = withNodeAffinityOf(spec.affinity, old.spec.affinity);
  const { affinity: _, nodeSelector: __, tolerations: ___, schedulingGates: ____, ...rest } = old.spec;
  const { labels: _____, annotations: ______, ...named } = old.metadata;
  return {
    ...old,
    metadata: { ...named, ...pickDefined({ labels: metadata.labels, annotations: metadata.annotations }) },
    spec: { ...rest, ...pickDefined({ affinity, nodeSelector, tolerations, schedulingGates }) },
  };
}

function withNodeAffinityOf(affinity: Affinity | undefined, old: Affinity | undefined): Affinity | undefined {
  const { nodeAffinity: _, ...others } = old ?? {};
  if (!affinity) return Object.keys(others).length === 0 ? undefined : others;
  return affinity.nodeAffinity ? { ...others, nodeAffinity: affinity.nodeAffinity } : others;
}

function withResourcesOf(spec: PodSpec, old: PodSpec): PodSpec {
  const { initContainers } = old;
  return {
    ...old,
    containers: adoptResources(spec.containers ?? [], old.containers ?? []),
    ...(initContainers ? { initContainers: adoptResources(spec.initContainers ?? [], initContainers) } : {}),
  };
}

function adoptResources(containers: readonly Container[], old: Container[]): Container[] {
  if (containers.length !== old.length) return old;
  return old.map((container, i) => {
    const { name, resources } = containers[i]!;
    return container.name === name ? { ...container, resources } : container;
  });
}

function pickDefined<T extends object>(values: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}
