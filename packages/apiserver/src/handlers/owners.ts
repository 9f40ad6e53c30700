/** Owner references that say the same twice (handlers/create.go dedupOwnerReferencesAndAddWarning). */
import { semanticEqual } from '@keelson/api/codec/equality';
import type { KubeObject, OwnerReference } from '@keelson/api/object';
import { addWarning, type RequestContext } from '../context.ts';

/** Removes doubles and warns of them. @param afterMutatingAdmission changes the text alone */
export function dedupOwnerReferences(ctx: RequestContext, object: KubeObject, afterMutatingAdmission: boolean): void {
  const references = object.metadata.ownerReferences;
  if (!references || references.length < 2) return;
  const kept: OwnerReference[] = [];
  const doubled: OwnerReference[] = [];
  for (const reference of references) {
    const before = kept.some((k) => semanticEqual(k, reference));
    (before ? doubled : kept).push(reference);
  }
  if (doubled.length === 0) return;
  object.metadata.ownerReferences = kept;
  const uids = [...new Set(doubled.map((r) => r.uid))].join(', ');
  addWarning(
    ctx,
    afterMutatingAdmission
      ? `.metadata.ownerReferences contains duplicate entries after mutating admission happens; API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: ${uids}`
      : `.metadata.ownerReferences contains duplicate entries; API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: ${uids}`,
  );
}
