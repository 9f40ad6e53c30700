/** Owner references that say the same twice (handlers/create.go dedupOwnerReferencesAndAddWarning). */
import type { KubeObject, OwnerReference } from '@keelson/api/object';
import { repeatsIn } from '@keelson/api/validation/repeats';
import { addWarning, type RequestContext } from '../context.ts';

/** Removes doubles and warns of them. @param afterMutatingAdmission changes the text alone */
export function dedupOwnerReferences(ctx: RequestContext, object: KubeObject, afterMutatingAdmission: boolean): void {
  const references = object.metadata.ownerReferences;
  if (!references || references.length < 2) return;
  const doubled = repeatsIn(references.map(sayingOf));
  if (doubled.size === 0) return;
  object.metadata.ownerReferences = references.filter((_, i) => !doubled.has(i));
  const uids = [...new Set([...doubled].map((i) => references[i]!.uid))].join(', ');
  addWarning(
    ctx,
    afterMutatingAdmission
      ? `.metadata.ownerReferences contains duplicate entries after mutating admission happens; API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: ${uids}`
      : `.metadata.ownerReferences contains duplicate entries; API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: ${uids}`,
  );
}

/** The same for references that say the same. */
function sayingOf({ apiVersion, kind, name, uid, controller, blockOwnerDeletion }: OwnerReference): string {
  return JSON.stringify([apiVersion, kind, name, uid, controller ?? null, blockOwnerDeletion ?? null]);
}
