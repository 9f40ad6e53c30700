/** Node and pod affinity. */

import { type ErrorList, forbidden, invalid, named, type Path, required } from '@keelson/api/field';
import type {
  Affinity,
  NodeAffinity,
  NodeSelector,
  NodeSelectorRequirement,
  NodeSelectorTerm,
  PodAffinity,
  PodAffinityTerm,
} from '@keelson/api/generated/types/core/v1';
import { isValidLabelValue, nameIsDNSLabel, nameIsDNSSubdomain } from '@keelson/api/validation/names';
import { invalidFor } from '../../../validation/fields.ts';
import {
  type LabelSelectorOptions,
  validateLabelName,
  validateLabelSelector,
} from '../../../validation/labelselector.ts';
import type { PodValidationOptions } from './options.ts';
import { validateMatchLabelKeys } from './topologyspread.ts';

export function validateAffinity(affinity: Affinity | undefined, options: PodValidationOptions, path: Path): ErrorList {
  if (!affinity) return [];
  const selectors = { allowInvalidLabelValueInSelector: options.allowInvalidLabelValueInSelector };
  const { nodeAffinity, podAffinity, podAntiAffinity } = affinity;
  return [
    ...(nodeAffinity ? validateNodeAffinity(nodeAffinity, options, path.child('nodeAffinity')) : []),
    ...(podAffinity ? validatePodAffinity(podAffinity, selectors, path.child('podAffinity')) : []),
    ...(podAntiAffinity ? validatePodAffinity(podAntiAffinity, selectors, path.child('podAntiAffinity')) : []),
  ];
}

function validateNodeAffinity(affinity: NodeAffinity, options: PodValidationOptions, path: Path): ErrorList {
  const {
    requiredDuringSchedulingIgnoredDuringExecution: needed,
    preferredDuringSchedulingIgnoredDuringExecution: preferred = [],
  } = affinity;
  const at = path.child('preferredDuringSchedulingIgnoredDuringExecution');
  return [
    ...(needed
      ? validateNodeSelector(
          needed,
          options.allowInvalidLabelValueInRequiredNodeAffinity,
          path.child('requiredDuringSchedulingIgnoredDuringExecution'),
        )
      : []),
    ...preferred.flatMap((term, i) => [
      ...validateWeight(term.weight, at.index(i)),
      ...validateNodeSelectorTerm(term.preference, true, at.index(i).child('preference')),
    ]),
  ];
}

function validateWeight(weight: number, path: Path): ErrorList {
  return weight <= 0 || weight > 100 ? [invalid(path.child('weight'), weight, 'must be in the range 1-100')] : [];
}

export function validateNodeSelector(selector: NodeSelector, allowInvalidValues: boolean, path: Path): ErrorList {
  const at = path.child('nodeSelectorTerms');
  const terms = selector.nodeSelectorTerms ?? [];
  if (terms.length === 0) return [required(at, 'must have at least one node selector term')];
  return terms.flatMap((term, i) => validateNodeSelectorTerm(term, allowInvalidValues, at.index(i)));
}

export function validateNodeSelectorTerm(
  { matchExpressions, matchFields }: NodeSelectorTerm,
  allowInvalidValues: boolean,
  path: Path,
): ErrorList {
  return [
    ...(matchExpressions ?? []).flatMap((requirement, i) =>
      validateLabelRequirement(requirement, allowInvalidValues, path.child('matchExpressions').index(i)),
    ),
    ...(matchFields ?? []).flatMap((requirement, i) =>
      validateFieldRequirement(requirement, path.child('matchFields').index(i)),
    ),
  ];
}

function validateLabelRequirement(
  { key, operator, values = [] }: NodeSelectorRequirement,
  allowInvalidValues: boolean,
  path: Path,
): ErrorList {
  const errors: ErrorList = [];
  const at = path.child('values');
  if (operator === 'In' || operator === 'NotIn') {
    if (values.length === 0) errors.push(required(at, "must be specified when `operator` is 'In' or 'NotIn'"));
  } else if (operator === 'Exists' || operator === 'DoesNotExist') {
    if (values.length > 0)
      errors.push(forbidden(at, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
  } else if (operator === 'Gt' || operator === 'Lt') {
    if (values.length !== 1)
      errors.push(required(at, "must be specified single value when `operator` is 'Lt' or 'Gt'"));
  } else {
    errors.push(invalid(path.child('operator'), named(operator), 'not a valid selector operator'));
  }
  errors.push(...validateLabelName(key, path.child('key')));
  if (!allowInvalidValues)
    for (const [i, value] of values.entries()) errors.push(...invalidFor(at.index(i), value, isValidLabelValue(value)));
  return errors;
}

/** Nodes are selected by no field but their name. */
function validateFieldRequirement({ key, operator, values = [] }: NodeSelectorRequirement, path: Path): ErrorList {
  const errors: ErrorList = [];
  const at = path.child('values');
  if (operator !== 'In' && operator !== 'NotIn')
    errors.push(invalid(path.child('operator'), named(operator), 'not a valid selector operator'));
  else if (values.length !== 1)
    errors.push(required(at, "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"));
  if (key !== 'metadata.name') errors.push(invalid(path.child('key'), key, 'not a valid field selector key'));
  else
    for (const [i, value] of values.entries())
      errors.push(...invalidFor(at.index(i), value, nameIsDNSSubdomain(value, false)));
  return errors;
}

function validatePodAffinity(affinity: PodAffinity, options: LabelSelectorOptions, path: Path): ErrorList {
  const needed = path.child('requiredDuringSchedulingIgnoredDuringExecution');
  const preferred = path.child('preferredDuringSchedulingIgnoredDuringExecution');
  return [
    ...(affinity.requiredDuringSchedulingIgnoredDuringExecution ?? []).flatMap((term, i) =>
      validateAffinityTerm(term, options, needed.index(i)),
    ),
    ...(affinity.preferredDuringSchedulingIgnoredDuringExecution ?? []).flatMap(({ weight, podAffinityTerm }, i) => [
      ...validateWeight(weight, preferred.index(i)),
      ...validateAffinityTerm(podAffinityTerm, options, preferred.index(i).child('podAffinityTerm')),
    ]),
  ];
}

function validateAffinityTerm(term: PodAffinityTerm, options: LabelSelectorOptions, path: Path): ErrorList {
  const { namespaces = [], matchLabelKeys, mismatchLabelKeys, labelSelector, topologyKey } = term;
  const at = path.child('topologyKey');
  return [
    ...validateAffinityTermSelectors(term, options, path),
    ...namespaces.flatMap((name) => invalidFor(path.child('namespace'), name, nameIsDNSLabel(name, false))),
    ...validateMatchLabelKeys(path, matchLabelKeys, mismatchLabelKeys, labelSelector),
    ...(topologyKey ? [] : [required(at, 'can not be empty')]),
    ...validateLabelName(topologyKey ?? '', at),
  ];
}

export function validateAffinityTermSelectors(
  { labelSelector, namespaceSelector }: PodAffinityTerm,
  options: LabelSelectorOptions,
  path: Path,
): ErrorList {
  return [
    ...validateLabelSelector(labelSelector, options, path.child('labelSelector')),
    ...validateLabelSelector(namespaceSelector, options, path.child('namespaceSelector')),
  ];
}
