/** Compare pkg/apis/storage/validation: ValidateCSINode. */

import { semanticEqual } from '@keelson/api/codec/equality';
import { duplicate, type ErrorList, invalid, Path, required } from '@keelson/api/field';
import type { CSINode, CSINodeDriver } from '@keelson/api/generated/types/storage/v1';
import { isQualifiedName } from '@keelson/api/validation/names';
import { repeatsIn } from '@keelson/api/validation/repeats';
import { validateCSIDriverName } from '../../validation/csi.ts';
import { invalidFor, nonNegative } from '../../validation/fields.ts';
import { internalValue } from '../../validation/internal.ts';

const DRIVERS = Path.of('spec', 'drivers');
const MAX_NODE_ID = 256;

export function validateCSINode({ spec }: CSINode): ErrorList {
  const names = new Set<string>();
  return (spec.drivers ?? []).flatMap((driver, i) => validateDriver(driver, names, DRIVERS.index(i)));
}

/** A driver may come and go, and its limit change; else it stays as it is. */
export function validateCSINodeUpdate(node: CSINode, old: CSINode): ErrorList {
  const errors = validateCSINode(node);
  for (const { allocatable: _, ...before } of old.spec.drivers ?? [])
    for (const { allocatable: __, ...driver } of node.spec.drivers ?? [])
      if (driver.name === before.name && !semanticEqual(driver, before)) {
        const shown = internalValue('io.k8s.api.storage.v1.CSINodeDriver', driver);
        errors.push(invalid(DRIVERS, shown, 'field is immutable'));
      }
  return errors;
}

function validateDriver(driver: CSINodeDriver, names: Set<string>, path: Path): ErrorList {
  const { name, nodeID, allocatable, topologyKeys } = driver;
  const errors = validateCSIDriverName(name, path.child('name'));
  const idPath = path.child('nodeID');
  if (!nodeID) errors.push(required(idPath));
  else if (Buffer.byteLength(nodeID) > MAX_NODE_ID)
    errors.push(invalid(idPath, nodeID, `must be ${MAX_NODE_ID} characters or less`));
  if (allocatable?.count !== undefined)
    errors.push(...nonNegative(allocatable.count, path.child('allocatable', 'count')));
  if (names.has(name)) errors.push(duplicate(path.child('name'), name));
  names.add(name);
  const repeats = repeatsIn(topologyKeys ?? []);
  for (const [i, key] of (topologyKeys ?? []).entries()) {
    if (key === '') errors.push(required(path));
    if (repeats.has(i)) errors.push(duplicate(path, key));
    errors.push(...invalidFor(path, key, isQualifiedName(key)));
  }
  return errors;
}
