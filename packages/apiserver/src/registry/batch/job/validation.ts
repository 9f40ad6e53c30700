/** Jobs, and what cron jobs make (pkg/apis/batch/validation). */
import { type ErrorList, invalid, notSupported, Path, quote, required, tooLong } from '@keelson/api/field';
import type { Job, JobSpec } from '@keelson/api/generated/types/batch/v1';
import { isDomainPrefixedPath } from '@keelson/api/validation/domains';
import { isDNS1123Label } from '@keelson/api/validation/names';
import type { PodValidationOptions } from '../../core/pod/validation/options.ts';
import { validatePodTemplateSpec } from '../../core/pod/validation/spec.ts';
import { nonNegative } from '../../validation/fields.ts';
import { internalValue } from '../../validation/internal.ts';
import { validateLabelSelector } from '../../validation/labelselector.ts';
import { readSelector, validateSelectorMatches } from '../../validation/templateselector.ts';
import type { JobValidationOptions } from './options.ts';
import { validateFailurePolicy, validateSuccessPolicy } from './policies.ts';
import { validateGeneratedSelector } from './selector.ts';

const SPEC = Path.of('spec');
const MAX_PARALLELISM = 100_000;
const MAX_FAILED_INDEXES = 100_000;
const MANY_COMPLETIONS = 100_000;
const MAX_PARALLELISM_OF_MANY = 10_000;
const MAX_FAILED_INDEXES_OF_MANY = 10_000;
const MAX_MANAGED_BY = 63;

export function validateJob(job: Job, options: JobValidationOptions): ErrorList {
  return [
    ...validateGeneratedSelector(job, options.requirePrefixedLabels),
    ...validateJobSpec(job.spec, options, SPEC),
    ...validateHostnames(job),
  ];
}

/** Pods of an indexed job are called after it and their index. */
function validateHostnames({ metadata: { name = '' }, spec: { completionMode, completions = 0 } }: Job): ErrorList {
  if (completionMode !== 'Indexed' || completions <= 0) return [];
  const longest = `${name}-${completions - 1}`;
  if (isDNS1123Label(longest).length === 0) return [];
  const detail = `will not able to create pod with invalid DNS label: ${longest}`;
  return [invalid(Path.of('metadata', 'name'), name, detail)];
}

export function validateJobSpec(spec: JobSpec, options: PodValidationOptions, path: Path): ErrorList {
  const { selector, template } = spec;
  const at = path.child('selector');
  const read = readSelector(selector);
  return [
    ...validateSpecContent(spec, options, path),
    ...(selector ? validateLabelSelector(selector, options, at) : [required(at)]),
    ...(read ? validateSelectorMatches(read, template, path.child('template')) : []),
  ];
}

const COUNTS = [
  'parallelism',
  'completions',
  'activeDeadlineSeconds',
  'backoffLimit',
  'ttlSecondsAfterFinished',
  'backoffLimitPerIndex',
  'maxFailedIndexes',
] as const;

/** All but the selector, which templates of jobs do not have. */
export function validateSpecContent(spec: JobSpec, options: PodValidationOptions, path: Path): ErrorList {
  const { managedBy, maxFailedIndexes, backoffLimitPerIndex, successPolicy, template } = spec;
  const indexed = spec.completionMode === 'Indexed';
  const errors = COUNTS.flatMap((key) => nonNegative(spec[key] ?? 0, path.child(key)));
  if (maxFailedIndexes !== undefined && backoffLimitPerIndex === undefined)
    errors.push(required(path.child('backoffLimitPerIndex'), 'when maxFailedIndexes is specified'));
  if (managedBy !== undefined) {
    const at = path.child('managedBy');
    errors.push(...isDomainPrefixedPath(at, managedBy));
    if (Buffer.byteLength(managedBy) > MAX_MANAGED_BY) errors.push(tooLong(at, MAX_MANAGED_BY));
  }
  errors.push(...validateCompletionMode(spec, path));
  if (spec.podFailurePolicy) errors.push(...validateFailurePolicy(spec, path.child('podFailurePolicy')));
  if (successPolicy) {
    const at = path.child('successPolicy');
    const shown = () => internalValue('io.k8s.api.batch.v1.SuccessPolicy', successPolicy);
    errors.push(
      ...(indexed ? validateSuccessPolicy(spec, at) : [invalid(at, shown(), 'requires indexed completion mode')]),
    );
  }
  return [
    ...errors,
    ...validateReplacementPolicy(spec, path.child('podReplacementPolicy')),
    ...validatePodTemplateSpec(template, options, path.child('template')),
    ...validateRestartPolicy(spec, path.child('template', 'spec', 'restartPolicy')),
  ];
}

function validateCompletionMode(spec: JobSpec, path: Path): ErrorList {
  const { completionMode: mode = 'NonIndexed' } = spec;
  if (mode === 'Indexed') return validateIndexed(spec, path);
  if (mode !== 'NonIndexed') return [notSupported(path.child('completionMode'), mode, ['NonIndexed', 'Indexed'])];
  return (['backoffLimitPerIndex', 'maxFailedIndexes'] as const).flatMap((key) =>
    spec[key] === undefined ? [] : [invalid(path.child(key), spec[key], 'requires indexed completion mode')],
  );
}

function validateIndexed(spec: JobSpec, path: Path): ErrorList {
  const { completions, maxFailedIndexes, backoffLimitPerIndex } = spec;
  const errors: ErrorList = [];
  const limit = (key: 'parallelism' | 'maxFailedIndexes', max: number, detail: string) => {
    const value = spec[key];
    if (value !== undefined && value > max)
      errors.push(invalid(path.child(key), value, `must be less than or equal to ${detail}`));
  };
  if (completions === undefined) errors.push(required(path.child('completions'), 'when completion mode is Indexed'));
  limit('parallelism', MAX_PARALLELISM, `${MAX_PARALLELISM} when completion mode is Indexed`);
  if (completions !== undefined) limit('maxFailedIndexes', completions, 'completions');
  limit('maxFailedIndexes', MAX_FAILED_INDEXES, `${MAX_FAILED_INDEXES}`);
  if ((completions ?? 0) <= MANY_COMPLETIONS || backoffLimitPerIndex === undefined) return errors;
  if (maxFailedIndexes === undefined)
    errors.push(
      required(path.child('maxFailedIndexes'), `must be specified when completions is above ${MANY_COMPLETIONS}`),
    );
  const when = `when completions are above ${MANY_COMPLETIONS} and used with backoff limit per index`;
  limit('parallelism', MAX_PARALLELISM_OF_MANY, `${MAX_PARALLELISM_OF_MANY} ${when}`);
  limit('maxFailedIndexes', MAX_FAILED_INDEXES_OF_MANY, `${MAX_FAILED_INDEXES_OF_MANY} ${when}`);
  return errors;
}

function validateReplacementPolicy({ podReplacementPolicy: policy, podFailurePolicy }: JobSpec, path: Path): ErrorList {
  const supported = podFailurePolicy ? ['Failed'] : ['Failed', 'TerminatingOrFailed'];
  return policy === undefined || supported.includes(policy) ? [] : [notSupported(path, policy, supported)];
}

function validateRestartPolicy({ template, podFailurePolicy }: JobSpec, path: Path): ErrorList {
  const { restartPolicy = '' } = template.spec;
  const supported = ['OnFailure', 'Never'];
  if (restartPolicy === 'Always' || restartPolicy === '')
    return [required(path, `valid values: ${supported.map(quote).join(', ')}`)];
  if (!supported.includes(restartPolicy)) return [notSupported(path, restartPolicy, supported)];
  return podFailurePolicy && restartPolicy !== 'Never'
    ? [invalid(path, restartPolicy, 'only "Never" is supported when podFailurePolicy is specified')]
    : [];
}
