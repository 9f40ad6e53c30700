/**
 * Who owns the claims of a stateful set's pods, so that they are deleted with the set or with pods that are too many:
 * pure (pkg/controller/statefulset, persistentVolumeClaimRetentionPolicy).
 */
import type { StatefulSet } from '@keelson/api/generated/types/apps/v1';
import type { PersistentVolumeClaim, Pod } from '@keelson/api/generated/types/core/v1';
import type { GroupVersionKind, OwnerReference, TypedObject } from '@keelson/api/object';
import { controllerReference } from '@keelson/client';
import { isInRange, ordinalOf, STATEFUL_SET } from './pods.ts';

const POD = { group: '', version: 'v1', kind: 'Pod' } as const;

function policyOf({ spec }: StatefulSet): { scaled: boolean; deleted: boolean } {
  const { whenScaled, whenDeleted } = spec.persistentVolumeClaimRetentionPolicy ?? {};
  return { scaled: whenScaled === 'Delete', deleted: whenDeleted === 'Delete' };
}

/** Whether the reference names the object, be it this one or one of its name before it. */
function names(reference: OwnerReference, { metadata }: TypedObject, kind: GroupVersionKind): boolean {
  const { apiVersion } = controllerReference({ metadata }, kind);
  return reference.apiVersion === apiVersion && reference.kind === kind.kind && reference.name === metadata.name;
}

function isStale(claim: PersistentVolumeClaim, object: TypedObject, kind: GroupVersionKind): boolean {
  const reference = claim.metadata.ownerReferences?.find((each) => names(each, object, kind));
  return reference !== undefined && reference.uid !== object.metadata.uid;
}

/** Whether the claim goes with a pod that was there before: it is not to be used by the new one. */
export function isOfFormerPod(set: StatefulSet, claim: PersistentVolumeClaim, pod: TypedObject): boolean {
  return policyOf(set).scaled && isStale(claim, pod, POD);
}

/** Whether somebody else manages the claim: then the policy does not hold for it. */
export function hasOtherController(set: StatefulSet, claim: PersistentVolumeClaim, pod: Pod): boolean {
  const { scaled, deleted } = policyOf(set);
  if (!scaled && !deleted) return false;
  return (claim.metadata.ownerReferences ?? []).some((reference) => {
    if (names(reference, set, STATEFUL_SET)) return reference.uid !== set.metadata.uid;
    if (names(reference, pod, POD)) return reference.uid !== pod.metadata.uid;
    return reference.controller === true;
  });
}

/** The owners that the claim is to have; undefined where it has them, or where nothing may be done. */
export function ownersWanted(set: StatefulSet, claim: PersistentVolumeClaim, pod: Pod): OwnerReference[] | undefined {
  const references = claim.metadata.ownerReferences ?? [];
  if (isStale(claim, set, STATEFUL_SET) || isStale(claim, pod, POD)) return undefined;
  const ours = references.filter(({ uid }) => uid === set.metadata.uid || uid === pod.metadata.uid);
  const others = references.filter((reference) => !ours.includes(reference));
  if (hasOtherController(set, claim, pod)) return ours.length > 0 ? others : undefined;
  const { scaled, deleted } = policyOf(set);
  const condemned = !isInRange(set, ordinalOf(pod)!);
  const wanted = [
    ...(deleted && !(scaled && condemned) ? [controllerReference(set, STATEFUL_SET)] : []),
    ...(scaled && condemned ? [controllerReference(pod, POD)] : []),
  ];
  const complete = wanted.every(({ uid }) => ours.some((reference) => reference.uid === uid && reference.controller));
  return complete && wanted.length === ours.length ? undefined : [...others, ...wanted];
}
