import { type ErrorList, Path } from '@keelson/api/field';
import type { ReplicaSet } from '@keelson/api/generated/types/apps/v1';
import type { PodValidationOptions } from '../../core/pod/validation/options.ts';
import { immutableField, nonNegative } from '../../validation/fields.ts';
import { shownSelector } from '../../validation/labelselector.ts';
import { validateSelectorAndTemplate } from '../podtemplate.ts';

const SPEC = Path.of('spec');

export function validateSpec({ spec }: ReplicaSet, options: PodValidationOptions): ErrorList {
  return [
    ...nonNegative(spec.replicas ?? 0, SPEC.child('replicas')),
    ...nonNegative(spec.minReadySeconds ?? 0, SPEC.child('minReadySeconds')),
    ...validateSelectorAndTemplate(spec, options, SPEC),
  ];
}

export function validateUpdate(obj: ReplicaSet, old: ReplicaSet, options: PodValidationOptions): ErrorList {
  return [
    ...validateSpec(obj, options),
    ...immutableField(obj.spec.selector, old.spec.selector, SPEC.child('selector'), shownSelector(obj.spec.selector)),
  ];
}
