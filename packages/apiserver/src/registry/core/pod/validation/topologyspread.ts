/** Topology spread constraints, and the label keys that they share with pod affinity. */

import { duplicate, type ErrorList, forbidden, invalid, notSupported, type Path, required } from '@keelson/api/field';
import type { TopologySpreadConstraint } from '@keelson/api/generated/types/core/v1';
import type { LabelSelector } from '@keelson/api/generated/types/meta/v1';
import { validateLabelName, validateLabelSelector } from '../../../validation/labelselector.ts';
import type { PodValidationOptions } from './options.ts';

const ACTIONS = ['DoNotSchedule', 'ScheduleAnyway'];
const POLICIES = ['Honor', 'Ignore'];

export function validateTopologySpread(
  constraints: readonly TopologySpreadConstraint[],
  options: PodValidationOptions,
  path: Path,
): ErrorList {
  const last = new Map(constraints.map((constraint, i) => [kindOf(constraint), i]));
  return constraints.flatMap((constraint, i) => {
    const comesAgain = last.get(kindOf(constraint))! > i;
    return validateConstraint(constraint, comesAgain, options, path.index(i));
  });
}

/** No two constraints may have in common what is in it. */
const kindOf = ({ topologyKey, whenUnsatisfiable }: TopologySpreadConstraint) =>
  JSON.stringify([topologyKey, whenUnsatisfiable]);

function validateConstraint(
  constraint: TopologySpreadConstraint,
  comesAgain: boolean,
  options: PodValidationOptions,
  path: Path,
): ErrorList {
  const { maxSkew, topologyKey, whenUnsatisfiable, minDomains, labelSelector } = constraint;
  const errors: ErrorList = [];
  if (maxSkew <= 0) errors.push(invalid(path.child('maxSkew'), maxSkew, 'must be greater than zero'));
  if (!topologyKey) errors.push(required(path.child('topologyKey'), 'can not be empty'));
  if (!ACTIONS.includes(whenUnsatisfiable))
    errors.push(notSupported(path.child('whenUnsatisfiable'), whenUnsatisfiable, ACTIONS));
  if (comesAgain)
    errors.push(duplicate(path.child('{topologyKey, whenUnsatisfiable}'), `{${topologyKey}, ${whenUnsatisfiable}}`));
  if (minDomains !== undefined && minDomains <= 0)
    errors.push(invalid(path.child('minDomains'), minDomains, 'must be greater than zero'));
  if (minDomains !== undefined && whenUnsatisfiable !== 'DoNotSchedule')
    errors.push(
      invalid(
        path.child('minDomains'),
        minDomains,
        `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${whenUnsatisfiable}`,
      ),
    );
  for (const key of ['nodeAffinityPolicy', 'nodeTaintsPolicy'] as const) {
    const policy = constraint[key];
    if (policy !== undefined && !POLICIES.includes(policy))
      errors.push(notSupported(path.child(key), policy, POLICIES));
  }
  errors.push(...validateSpreadLabelKeys(constraint, options.mergesMatchLabelKeys, path));
  if (!options.allowInvalidTopologySpreadConstraintLabelSelector)
    errors.push(...validateLabelSelector(labelSelector, {}, path.child('labelSelector')));
  return errors;
}

/** @param merges the keys are going to be merged into the selector */
export function validateSpreadLabelKeys(
  { matchLabelKeys, labelSelector }: TopologySpreadConstraint,
  merges: boolean,
  path: Path,
): ErrorList {
  return merges
    ? validateMatchLabelKeys(path, matchLabelKeys, undefined, labelSelector)
    : validateUnmergedLabelKeys(path.child('matchLabelKeys'), matchLabelKeys ?? [], labelSelector);
}

/**
 * When a pod is made, its labels under these keys go into the selector: a key that stands there already is found as
 * an expression that comes a second time.
 */
export function validateMatchLabelKeys(
  path: Path,
  matchKeys: readonly string[] = [],
  mismatchKeys: readonly string[] = [],
  selector: LabelSelector | undefined,
): ErrorList {
  const errors = [
    ...validateLabelKeys(path.child('matchLabelKeys'), matchKeys, selector),
    ...validateLabelKeys(path.child('mismatchLabelKeys'), mismatchKeys, selector),
  ];
  const selected = new Set(Object.keys(selector?.matchLabels ?? {}));
  const places = new Map(matchKeys.map((key, i) => [key, i]));
  for (const { key } of selector?.matchExpressions ?? []) {
    const i = places.get(key);
    if (i !== undefined && selected.has(key))
      errors.push(invalid(path.index(i), key, 'exists in both matchLabelKeys and labelSelector'));
    selected.add(key);
  }
  const mismatched = new Set(mismatchKeys);
  for (const [i, key] of matchKeys.entries())
    if (mismatched.has(key))
      errors.push(
        invalid(path.child('matchLabelKeys').index(i), key, 'exists in both matchLabelKeys and mismatchLabelKeys'),
      );
  return errors;
}

function validateLabelKeys(path: Path, keys: readonly string[], selector: LabelSelector | undefined): ErrorList {
  if (keys.length === 0) return [];
  if (!selector) return [forbidden(path, 'must not be specified when labelSelector is not set')];
  return keys.flatMap((key, i) => validateLabelName(key, path.index(i)));
}

/** Where keys are not merged into selectors. */
function validateUnmergedLabelKeys(
  path: Path,
  keys: readonly string[],
  selector: LabelSelector | undefined,
): ErrorList {
  if (keys.length === 0) return [];
  const selected = new Set([
    ...Object.keys(selector?.matchLabels ?? {}),
    ...(selector?.matchExpressions ?? []).map(({ key }) => key),
  ]);
  return [
    ...(selector ? [] : [forbidden(path, 'must not be specified when labelSelector is not set')]),
    ...keys.flatMap((key, i) => [
      ...validateLabelName(key, path.index(i)),
      ...(selected.has(key) ? [invalid(path.index(i), key, 'exists in both matchLabelKeys and labelSelector')] : []),
    ]),
  ];
}
