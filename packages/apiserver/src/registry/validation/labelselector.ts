/** Labels and label selectors inside objects (k8s.io/apimachinery/pkg/apis/meta/v1/validation). */
import { type ErrorList, forbidden, type GoValue, invalid, named, type Path, required } from '@keelson/api/field';
import type { LabelSelector, LabelSelectorRequirement } from '@keelson/api/generated/types/meta/v1';
import { isQualifiedName, isValidLabelValue } from '@keelson/api/validation/names';
import { invalidFor } from './fields.ts';
import { internalValue } from './internal.ts';

export interface LabelSelectorOptions {
  /** For updates of objects that hold such values already. */
  readonly allowInvalidLabelValueInSelector?: boolean;
}

export function validateLabelSelector(
  selector: LabelSelector | null | undefined,
  options: LabelSelectorOptions,
  path: Path,
): ErrorList {
  if (!selector) return [];
  return [
    ...validateLabels(selector.matchLabels, path.child('matchLabels')),
    ...(selector.matchExpressions ?? []).flatMap((requirement, i) =>
      validateRequirement(requirement, options, path.child('matchExpressions').index(i)),
    ),
  ];
}

function validateRequirement(
  { key, operator, values }: LabelSelectorRequirement,
  options: LabelSelectorOptions,
  path: Path,
): ErrorList {
  const errors: ErrorList = [];
  if (operator === 'In' || operator === 'NotIn') {
    if (!values?.length)
      errors.push(required(path.child('values'), "must be specified when `operator` is 'In' or 'NotIn'"));
  } else if (operator === 'Exists' || operator === 'DoesNotExist') {
    if (values?.length)
      errors.push(
        forbidden(path.child('values'), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"),
      );
  } else {
    errors.push(invalid(path.child('operator'), named(operator), 'not a valid selector operator'));
  }
  errors.push(...validateLabelName(key, path.child('key')));
  if (!options.allowInvalidLabelValueInSelector)
    for (const [i, value] of (values ?? []).entries())
      errors.push(...invalidFor(path.child('values').index(i), value, isValidLabelValue(value)));
  return errors;
}

/** As errors show it: without what is empty. */
export function shownSelector(selector: LabelSelector | null | undefined): GoValue {
  return internalValue('io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector', selector);
}

export function hasInvalidLabelValue(selector: LabelSelector | null | undefined): boolean {
  return (selector?.matchExpressions ?? []).some((e) => e.values?.some((v) => isValidLabelValue(v).length > 0));
}

export function validateLabelName(name: string, path: Path): ErrorList {
  return invalidFor(path, name, isQualifiedName(name));
}

export function validateLabels(labels: Readonly<Record<string, string>> | null | undefined, path: Path): ErrorList {
  return Object.entries(labels ?? {}).flatMap(([key, value]) => [
    ...validateLabelName(key, path),
    ...invalidFor(path, value, isValidLabelValue(value)),
  ]);
}
