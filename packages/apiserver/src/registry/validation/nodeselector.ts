/** Selectors of nodes by label and by name (pkg/apis/core/validation: ValidateNodeSelector). */
import { type ErrorList, forbidden, invalid, named, type Path, required } from '@keelson/api/field';
import type { NodeSelector, NodeSelectorRequirement, NodeSelectorTerm } from '@keelson/api/generated/types/core/v1';
import { isValidLabelValue, nameIsDNSSubdomain } from '@keelson/api/validation/names';
import { invalidFor } from './fields.ts';
import { validateLabelName } from './labelselector.ts';

/** @param laxLabelValues values need not be label values: those of the stored object are not */
export function validateNodeSelector(selector: NodeSelector, laxLabelValues: boolean, path: Path): ErrorList {
  const at = path.child('nodeSelectorTerms');
  const terms = selector.nodeSelectorTerms ?? [];
  if (terms.length === 0) return [required(at, 'must have at least one node selector term')];
  return terms.flatMap((term, i) => validateNodeSelectorTerm(term, laxLabelValues, at.index(i)));
}

export function validateNodeSelectorTerm(term: NodeSelectorTerm, laxLabelValues: boolean, path: Path): ErrorList {
  return [
    ...(term.matchExpressions ?? []).flatMap((r, i) =>
      validateByLabel(r, laxLabelValues, path.child('matchExpressions').index(i)),
    ),
    ...(term.matchFields ?? []).flatMap((r, i) => validateByField(r, path.child('matchFields').index(i))),
  ];
}

function validateByLabel(
  { key, operator, values }: NodeSelectorRequirement,
  laxLabelValues: boolean,
  path: Path,
): ErrorList {
  const at = path.child('values');
  const count = values?.length ?? 0;
  const errors: ErrorList = [];
  if (operator === 'In' || operator === 'NotIn') {
    if (count === 0) errors.push(required(at, "must be specified when `operator` is 'In' or 'NotIn'"));
  } else if (operator === 'Exists' || operator === 'DoesNotExist') {
    if (count > 0) errors.push(forbidden(at, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
  } else if (operator === 'Gt' || operator === 'Lt') {
    if (count !== 1) errors.push(required(at, "must be specified single value when `operator` is 'Lt' or 'Gt'"));
  } else {
    errors.push(invalid(path.child('operator'), named(operator), 'not a valid selector operator'));
  }
  errors.push(...validateLabelName(key, path.child('key')));
  if (!laxLabelValues)
    for (const [i, value] of (values ?? []).entries())
      errors.push(...invalidFor(at.index(i), value, isValidLabelValue(value)));
  return errors;
}

function validateByField({ key, operator, values }: NodeSelectorRequirement, path: Path): ErrorList {
  const at = path.child('values');
  const errors: ErrorList = [];
  if (operator !== 'In' && operator !== 'NotIn')
    errors.push(invalid(path.child('operator'), named(operator), 'not a valid selector operator'));
  else if (values?.length !== 1)
    errors.push(required(at, "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"));
  if (key !== 'metadata.name') return [...errors, invalid(path.child('key'), key, 'not a valid field selector key')];
  for (const [i, value] of (values ?? []).entries())
    errors.push(...invalidFor(at.index(i), value, nameIsDNSSubdomain(value, false)));
  return errors;
}
