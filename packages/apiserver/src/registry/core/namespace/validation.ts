/** Compare pkg/apis/core/validation: ValidateNamespace. */
import { type ErrorList, invalid, named, Path } from '@keelson/api/field';
import type { Namespace } from '@keelson/api/generated/types/core/v1';
import { isQualifiedName } from '@keelson/api/validation/names';
import { invalidFor } from '../../validation/fields.ts';

/** Finalizers that may stand without a domain. */
const STANDARD_FINALIZERS = new Set(['kubernetes', 'orphan', 'foregroundDeletion']);
const FINALIZERS = Path.of('spec', 'finalizers');

export function validateNamespace(namespace: Namespace): ErrorList {
  return (namespace.spec.finalizers ?? []).flatMap((name) => validateFinalizerName(name, FINALIZERS));
}

export function validateNamespaceStatusUpdate({ metadata, status }: Namespace): ErrorList {
  const phase = status.phase ?? '';
  const path = Path.of('status', 'Phase');
  if (metadata.deletionTimestamp == null)
    return phase === 'Active'
      ? []
      : [invalid(path, named(phase), "may only be 'Active' if `deletionTimestamp` is empty")];
  return phase === 'Terminating'
    ? []
    : [invalid(path, phase, "may only be 'Terminating' if `deletionTimestamp` is not empty")];
}

export function validateNamespaceFinalizeUpdate(namespace: Namespace): ErrorList {
  return (namespace.spec.finalizers ?? []).flatMap((name, i) => validateFinalizerName(name, FINALIZERS.index(i)));
}

function validateFinalizerName(name: string, path: Path): ErrorList {
  const errors = invalidFor(path, name, isQualifiedName(name));
  if (!name.includes('/') && !STANDARD_FINALIZERS.has(name))
    errors.push(invalid(path, name, 'name is neither a standard finalizer name nor is it fully qualified'));
  return errors;
}
