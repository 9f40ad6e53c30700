import { semanticEqual } from '@keelson/api/codec/equality';
import { type ErrorList, FieldError, invalid, Path, required } from '@keelson/api/field';
import type { ReplicationController } from '@keelson/api/generated/types/core/v1';
import { selectorOfLabels } from '@keelson/api/selectors/labels';
import { validateLongRunning } from '../../apps/podtemplate.ts';
import { nonNegative } from '../../validation/fields.ts';
import { validateSelectorMatches } from '../../validation/templateselector.ts';
import type { PodValidationOptions } from '../pod/validation/options.ts';
import { validatePodTemplateSpec } from '../pod/validation/spec.ts';

const SPEC = Path.of('spec');
const NON_CONVERTIBLE = 'non-convertible.kubernetes.io';

export function validateSpec({ spec }: ReplicationController, options: PodValidationOptions): ErrorList {
  const { minReadySeconds = 0, selector, replicas, template } = spec;
  const read = selectorOfLabels(selector);
  const at = SPEC.child('template');
  return [
    ...nonNegative(minReadySeconds, SPEC.child('minReadySeconds')),
    ...(read.empty ? [required(SPEC.child('selector'))] : []),
    ...(replicas === undefined ? [required(SPEC.child('replicas'))] : nonNegative(replicas, SPEC.child('replicas'))),
    ...(template
      ? [
          ...validateSelectorMatches(read, template, at),
          ...validatePodTemplateSpec(template, options, at),
          ...validateLongRunning(template, 'ReplicationController', at),
        ]
      : [required(at)]),
  ];
}

/**
 * Marks that a controller has which was made of a replica set: what they name cannot be told as a controller.
 * Compare pkg/registry/core/replicationcontroller: ValidateUpdate.
 */
export function validateNonConvertible(
  { spec }: ReplicationController,
  { metadata, spec: old }: ReplicationController,
): ErrorList {
  return Object.entries(metadata.annotations ?? {}).flatMap(([key, value]) => {
    const [, field, ...more] = key.split('/');
    if (!key.startsWith(NON_CONVERTIBLE) || field === undefined || more.length > 0) return [];
    if (!field.includes('selector'))
      return [new FieldError('FieldValueNotFound', field, value, 'unknown non-convertible field')];
    if (semanticEqual(spec.selector, old.selector)) return [];
    return [invalid(SPEC.child('selector'), spec.selector, 'cannot update non-convertible selector')];
  });
}
