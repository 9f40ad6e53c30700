/** Compare pkg/apis/storage/validation: ValidateStorageClass. */

import { duplicate, type ErrorList, notSupported, Path, required } from '@keelson/api/field';
import type { TopologySelectorLabelRequirement, TopologySelectorTerm } from '@keelson/api/generated/types/core/v1';
import type { StorageClass } from '@keelson/api/generated/types/storage/v1';
import { repeatsIn } from '@keelson/api/validation/repeats';
import { deprecatedNodeLabel } from '../../deprecatedlabels.ts';
import { immutableField, immutableName } from '../../validation/fields.ts';
import { validateLabelName } from '../../validation/labelselector.ts';
import { validateKubeObjectMetaUpdate } from '../../validation/objectmeta.ts';
import { validateParameters, validateProvisioner } from '../parameters.ts';

const RECLAIM_POLICIES = ['Delete', 'Retain'];
const BINDING_MODES = ['Immediate', 'WaitForFirstConsumer'];
const TOPOLOGIES = Path.of('allowedTopologies');

export function validateStorageClass(obj: StorageClass): ErrorList {
  return [
    ...validateProvisioner(obj.provisioner, Path.of('provisioner')),
    ...validateParameters(obj.parameters, Path.of('parameters')),
    ...validateReclaimPolicy(obj.reclaimPolicy),
    ...validateBindingMode(obj.volumeBindingMode),
    ...validateTopologies(obj.allowedTopologies ?? []),
  ];
}

export function validateStorageClassUpdate(obj: StorageClass, old: StorageClass): ErrorList {
  return [
    ...validateStorageClass(obj),
    ...validateKubeObjectMetaUpdate(obj.metadata, old.metadata, Path.of('metadata')),
    ...immutableField(obj.parameters, old.parameters, Path.of('parameters')),
    ...immutableField(obj.provisioner, old.provisioner, Path.of('provisioner')),
    ...immutableName(obj.reclaimPolicy, old.reclaimPolicy, Path.of('reclaimPolicy')),
    ...immutableName(obj.volumeBindingMode, old.volumeBindingMode, Path.of('volumeBindingMode')),
  ];
}

function validateReclaimPolicy(policy: string | undefined): ErrorList {
  if (!policy || RECLAIM_POLICIES.includes(policy)) return [];
  return [notSupported(Path.of('reclaimPolicy'), policy, RECLAIM_POLICIES)];
}

function validateBindingMode(mode: string | undefined): ErrorList {
  const path = Path.of('volumeBindingMode');
  if (mode === undefined) return [required(path)];
  return BINDING_MODES.includes(mode) ? [] : [notSupported(path, mode, BINDING_MODES)];
}

/** No two terms may select the same. Upstream's list of those seen begins with an empty one for each term. */
function validateTopologies(terms: readonly TopologySelectorTerm[]): ErrorList {
  const seen = terms.map(() => selectionOf({}));
  return terms.flatMap((term, i) => {
    const path = TOPOLOGIES.index(i).child('matchLabelExpressions');
    const errors = validateTerm(term, path);
    const selection = selectionOf(term);
    for (const other of seen) if (selection === other) errors.push(duplicate(path, ''));
    seen.push(selection);
    return errors;
  });
}

/** A text that is the same for terms that select the same. */
function selectionOf({ matchLabelExpressions }: TopologySelectorTerm): string {
  const values = new Map((matchLabelExpressions ?? []).map((e) => [e.key, [...new Set(e.values)].sort()]));
  return JSON.stringify([...values].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function validateTerm({ matchLabelExpressions }: TopologySelectorTerm, path: Path): ErrorList {
  const keys = new Set<string>();
  return (matchLabelExpressions ?? []).flatMap((requirement, i) => {
    const errors = validateRequirement(requirement, path.index(i));
    if (keys.has(requirement.key)) errors.push(duplicate(path.index(i).child('key'), requirement.key));
    keys.add(requirement.key);
    return errors;
  });
}

function validateRequirement({ key, values: given }: TopologySelectorLabelRequirement, path: Path): ErrorList {
  const values = given ?? [];
  const at = path.child('values');
  const errors: ErrorList = values.length > 0 ? [] : [required(at)];
  for (const i of repeatsIn(values)) errors.push(duplicate(at.index(i), values[i]));
  return [...errors, ...validateLabelName(key, path.child('key'))];
}

export function warnings({ allowedTopologies }: StorageClass): string[] {
  return (allowedTopologies ?? []).flatMap(({ matchLabelExpressions }, i) =>
    (matchLabelExpressions ?? []).flatMap(({ key }, j) => {
      const text = deprecatedNodeLabel(key);
      return text ? [`${TOPOLOGIES.index(i).child('matchLabelExpressions').index(j).child('key')}: ${text}`] : [];
    }),
  );
}
