import { semanticEqual } from '@keelson/api/codec/equality';
import { duplicate, type ErrorList, Path, required, tooMany } from '@keelson/api/field';
import type {
  PodGroupTemplate,
  TypedLocalObjectReference,
  Workload,
} from '@keelson/api/generated/types/scheduling/v1alpha2';
import { isLongName, isPathSegmentName } from '@keelson/api/validation/names';
import { invalidFor } from '../../validation/fields.ts';
import { immutable, validateRequiredName, validateSchedulingPolicy } from '../policy.ts';

const CONTROLLER = Path.of('spec', 'controllerRef');
const TEMPLATES = Path.of('spec', 'podGroupTemplates');
const MAX_TEMPLATES = 8;

export function validateWorkload({ spec }: Workload): ErrorList {
  return [
    ...(spec.controllerRef ? validateController(spec.controllerRef) : []),
    ...validateTemplates(spec.podGroupTemplates ?? []),
  ];
}

function validateController({ apiGroup = '', kind, name }: TypedLocalObjectReference): ErrorList {
  return [
    ...(apiGroup === '' ? [] : invalidFor(CONTROLLER.child('apiGroup'), apiGroup, isLongName(apiGroup))),
    ...validateSegment(kind, CONTROLLER.child('kind')),
    ...validateSegment(name, CONTROLLER.child('name')),
  ];
}

function validateSegment(text: string, path: Path): ErrorList {
  return text === '' ? [required(path)] : invalidFor(path, text, isPathSegmentName(text));
}

function validateCount({ length }: readonly PodGroupTemplate[]): ErrorList {
  if (length > MAX_TEMPLATES) return [tooMany(TEMPLATES, length, MAX_TEMPLATES)];
  return length === 0 ? [required(TEMPLATES)] : [];
}

function validateTemplates(templates: readonly PodGroupTemplate[]): ErrorList {
  const count = validateCount(templates);
  if (count.length > 0) return count;
  const isRepeated = ({ name }: PodGroupTemplate, i: number) => templates.findIndex((t) => t.name === name) < i;
  return [
    ...templates.flatMap((template, i) => (isRepeated(template, i) ? [duplicate(TEMPLATES.index(i), template)] : [])),
    ...templates.flatMap(({ name, schedulingPolicy }, i) => [
      ...validateRequiredName(name, 'short', TEMPLATES.index(i).child('name')),
      ...validateSchedulingPolicy(schedulingPolicy, TEMPLATES.index(i).child('schedulingPolicy')),
    ]),
  ];
}

export function validateWorkloadUpdate({ spec }: Workload, old: Workload): ErrorList {
  return [
    ...(semanticEqual(spec.controllerRef, old.spec.controllerRef) ? [] : immutable(CONTROLLER)),
    ...(semanticEqual(spec.podGroupTemplates, old.spec.podGroupTemplates)
      ? []
      : [...immutable(TEMPLATES), ...validateCount(spec.podGroupTemplates ?? [])]),
  ];
}
