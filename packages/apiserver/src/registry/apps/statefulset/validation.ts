import { semanticEqual } from '@keelson/api/codec/equality';
import { type ErrorList, forbidden, invalid, named, notSupported, Path, required } from '@keelson/api/field';
import type {
  RollingUpdateStatefulSetStrategy,
  StatefulSet,
  StatefulSetSpec,
  StatefulSetStatus,
  StatefulSetUpdateStrategy,
} from '@keelson/api/generated/types/apps/v1';
import type { PodTemplateSpec } from '@keelson/api/generated/types/core/v1';
import { structType } from '@keelson/api/schema';
import { validatePodAnnotations } from '../../core/pod/validation/annotations.ts';
import { dnsLabel } from '../../core/pod/validation/names.ts';
import type { PodValidationOptions } from '../../core/pod/validation/options.ts';
import { validatePodTemplateSpec } from '../../core/pod/validation/spec.ts';
import { validateClaimSpec } from '../../validation/claimspec.ts';
import {
  countOrPercent,
  validateAtMost100Percent,
  validateCountOrPercent,
  validateCounts,
  validateNotDecremented,
  validateParts,
} from '../../validation/counts.ts';
import { nonNegative } from '../../validation/fields.ts';
import { internalValue } from '../../validation/internal.ts';
import { shownSelector, validateLabels } from '../../validation/labelselector.ts';
import { validateAnnotations } from '../../validation/objectmeta.ts';
import { readSelector, validateSelectorMatches } from '../../validation/templateselector.ts';
import { validateLongRunning, validateRequiredSelector } from '../podtemplate.ts';

const SPEC_TYPE = structType('io.k8s.api.apps.v1.StatefulSetSpec');
const SPEC = Path.of('spec');
const STATUS = Path.of('status');
const RETENTION = ['Retain', 'Delete'];

interface SpecOptions extends PodValidationOptions {
  /** The service's name and the claims cannot change: what an old object holds is let through. */
  readonly isUpdate: boolean;
  readonly skipTemplate: boolean;
}

export function validateCreate({ spec }: StatefulSet, options: PodValidationOptions): ErrorList {
  return validateSpec(spec, { ...options, isUpdate: false, skipTemplate: false });
}

function validateSpec(spec: StatefulSetSpec, options: SpecOptions): ErrorList {
  const { template, selector, serviceName = '', persistentVolumeClaimRetentionPolicy: retention } = spec;
  const templateAt = SPEC.child('template');
  const read = readSelector(selector);
  return [
    ...validateManagementPolicy(spec.podManagementPolicy ?? '', SPEC.child('podManagementPolicy')),
    ...validateUpdateStrategy(spec.updateStrategy, SPEC.child('updateStrategy')),
    ...(['whenDeleted', 'whenScaled'] as const).flatMap((key) =>
      !retention || RETENTION.includes(retention[key] ?? '')
        ? []
        : [notSupported(SPEC.child('persistentVolumeClaimRetentionPolicy', key), retention[key] ?? '', RETENTION)],
    ),
    ...(options.isUpdate ? [] : (spec.volumeClaimTemplates ?? [])).flatMap((claim, i) =>
      validateClaimSpec(claim.spec, {}, SPEC.child('volumeClaimTemplates').index(i).child('spec')),
    ),
    ...nonNegative(spec.replicas ?? 0, SPEC.child('replicas')),
    ...nonNegative(spec.minReadySeconds ?? 0, SPEC.child('minReadySeconds')),
    ...nonNegative(spec.ordinals?.start ?? 0, SPEC.child('ordinals.start')),
    ...(!options.isUpdate && serviceName !== '' ? dnsLabel(serviceName, SPEC.child('serviceName')) : []),
    ...validateRequiredSelector(selector, 'statefulset', SPEC.child('selector')),
    ...(read
      ? [...validateSelectorMatches(read, template, templateAt), ...validateTemplate(asRun(spec), options, templateAt)]
      : [invalid(SPEC.child('selector'), shownSelector(selector), '')]),
    ...validateLongRunning(template, 'StatefulSet', templateAt),
  ];
}

function validateManagementPolicy(policy: string, path: Path): ErrorList {
  if (policy === '') return [required(path)];
  return ['OrderedReady', 'Parallel'].includes(policy)
    ? []
    : [invalid(path, named(policy), "must be 'OrderedReady' or 'Parallel'")];
}

function validateUpdateStrategy(strategy: StatefulSetUpdateStrategy, path: Path): ErrorList {
  const { type = '', rollingUpdate } = strategy;
  const at = path.child('rollingUpdate');
  if (type === '') return [required(path)];
  if (type === 'RollingUpdate') return rollingUpdate ? validateRollingUpdate(rollingUpdate, at) : [];
  if (type !== 'OnDelete') {
    const shown = internalValue('io.k8s.api.apps.v1.StatefulSetUpdateStrategy', strategy);
    return [invalid(path, shown, "must be 'RollingUpdate' or 'OnDelete'")];
  }
  if (!rollingUpdate) return [];
  const shown = internalValue('io.k8s.api.apps.v1.RollingUpdateStatefulSetStrategy', rollingUpdate);
  return [invalid(at, shown, "only allowed for updateStrategy 'RollingUpdate'")];
}

function validateRollingUpdate(update: RollingUpdateStatefulSetStrategy, path: Path): ErrorList {
  const { partition = 0, maxUnavailable } = update;
  const errors = nonNegative(partition, path.child('partition'));
  if (maxUnavailable === undefined) return errors;
  const at = path.child('maxUnavailable');
  errors.push(...validateCountOrPercent(maxUnavailable, at));
  if (countOrPercent(maxUnavailable) === 0) errors.push(invalid(at, maxUnavailable, 'cannot be 0'));
  return [...errors, ...validateAtMost100Percent(maxUnavailable, at)];
}

/** The template as the controller will fill it in: with names of its own, and the claims as volumes. */
function asRun({ template, volumeClaimTemplates }: StatefulSetSpec): PodTemplateSpec {
  const { subdomain: _, hostname: __, ...spec } = template.spec;
  const claims = new Map((volumeClaimTemplates ?? []).map(({ metadata: { name = '' } }) => [name, name]));
  if (claims.size === 0) return { ...template, spec };
  const own = (spec.volumes ?? []).filter((volume) => !claims.has(volume.name));
  const claimed = [...claims.keys()].map((name) => ({ name, persistentVolumeClaim: { claimName: name } }));
  return { ...template, spec: { ...spec, volumes: [...claimed, ...own] } };
}

/** Labels and annotations are checked once more after the whole, as upstream does. */
function validateTemplate(template: PodTemplateSpec, options: SpecOptions, path: Path): ErrorList {
  const { labels, annotations = {} } = template.metadata;
  const at = path.child('annotations');
  return [
    ...(options.skipTemplate ? [] : validatePodTemplateSpec(template, options, path)),
    ...validateLabels(labels, path.child('labels')),
    ...validateAnnotations(annotations, at),
    ...validatePodAnnotations(annotations, template.spec, options, at),
  ];
}

const MUTABLE = [
  'replicas',
  'template',
  'updateStrategy',
  'minReadySeconds',
  'ordinals',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
] as const;

export function validateUpdate(obj: StatefulSet, old: StatefulSet, options: PodValidationOptions): ErrorList {
  const update = { ...options, isUpdate: true };
  const skipTemplate = validateSpec(old.spec, { ...update, skipTemplate: false }).length > 0;
  const errors = validateSpec(obj.spec, { ...update, skipTemplate });
  if (!semanticEqual(immutablePart(obj.spec), immutablePart(old.spec), SPEC_TYPE))
    errors.push(
      forbidden(
        SPEC,
        "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
      ),
    );
  return errors;
}

function immutablePart(spec: StatefulSetSpec): Partial<StatefulSetSpec> {
  const rest: Partial<StatefulSetSpec> = { ...spec };
  for (const key of MUTABLE) delete rest[key];
  return rest;
}

export function validateStatus(status: StatefulSetStatus, old: StatefulSetStatus): ErrorList {
  const { replicas, readyReplicas, currentReplicas, updatedReplicas, availableReplicas } = status;
  const { observedGeneration, collisionCount } = status;
  return [
    ...validateCounts(
      {
        replicas,
        readyReplicas,
        currentReplicas,
        updatedReplicas,
        availableReplicas,
        observedGeneration,
        collisionCount,
      },
      STATUS,
    ),
    ...validateParts(
      { readyReplicas, currentReplicas, updatedReplicas, availableReplicas },
      replicas,
      'cannot be greater than status.replicas',
      STATUS,
    ),
    ...validateParts({ availableReplicas }, readyReplicas ?? 0, 'cannot be greater than status.readyReplicas', STATUS),
    ...validateNotDecremented(collisionCount, old.collisionCount, STATUS.child('collisionCount')),
  ];
}
