/** Annotations that mean something to a pod. */

import { type ErrorList, forbidden, invalid, type Path } from '@keelson/api/field';
import type { PodSpec, Toleration } from '@keelson/api/generated/types/core/v1';
import { MIRROR_POD } from '@keelson/api/resources/pod-parts';
import { listAnnotation, validateJSONAnnotation } from '../../../validation/jsonannotation.ts';
import type { PodValidationOptions } from './options.ts';
import { validateAppArmorAnnotations, validateSeccompAnnotations } from './profiles.ts';
import { validateTolerations } from './tolerations.ts';

type Annotations = Readonly<Record<string, string>>;

export const DELETION_COST = 'controller.kubernetes.io/pod-deletion-cost';
const TOLERATIONS = listAnnotation(
  'scheduler.alpha.kubernetes.io/tolerations',
  'io.k8s.api.core.v1.Toleration',
  '[]core.Toleration',
);
const APPARMOR = 'container.apparmor.security.beta.kubernetes.io/';

export function validatePodAnnotations(
  annotations: Annotations,
  spec: PodSpec,
  options: PodValidationOptions,
  path: Path,
): ErrorList {
  const errors: ErrorList = [];
  const mirror = annotations[MIRROR_POD];
  if (mirror !== undefined && !spec.nodeName)
    errors.push(invalid(path.key(MIRROR_POD), mirror, 'must set spec.nodeName if mirror pod annotation is set'));
  errors.push(
    ...validateJSONAnnotation(annotations, TOLERATIONS, path, (tolerations = []) =>
      validateTolerations(tolerations as Toleration[], options, path.child(TOLERATIONS.key)),
    ),
  );
  const cost = annotations[DELETION_COST];
  if (!options.allowInvalidPodDeletionCost && !isDeletionCost(cost))
    errors.push(invalid(path.key(DELETION_COST), cost, 'must be a 32bit integer'));
  return [
    ...errors,
    ...validateSeccompAnnotations(annotations, path),
    ...validateAppArmorAnnotations(annotations, spec, path),
  ];
}

/** A whole number of 32 bits without `+` or leading zeros; an absent one is 0. */
export function isDeletionCost(text: string | undefined): boolean {
  if (text === undefined) return true;
  if (!/^(?:0|-[0-9]+|[1-9][0-9]*)$/.test(text)) return false;
  return BigInt.asIntN(32, BigInt(text)) === BigInt(text);
}

/** AppArmor profiles and what marks a mirror pod stay as they are. */
export function validatePodAnnotationUpdates(
  annotations: Annotations,
  old: Annotations,
  spec: PodSpec,
  options: PodValidationOptions,
  path: Path,
): ErrorList {
  const errors: ErrorList = [];
  for (const [key, value] of Object.entries(old)) {
    if (annotations[key] === value) continue;
    if (key.startsWith(APPARMOR))
      errors.push(forbidden(path.key(key), 'may not remove or update AppArmor annotations'));
    if (key === MIRROR_POD) errors.push(forbidden(path.key(key), 'may not remove or update mirror pod annotation'));
  }
  for (const key of Object.keys(annotations)) {
    if (key in old) continue;
    if (key.startsWith(APPARMOR)) errors.push(forbidden(path.key(key), 'may not add AppArmor annotations'));
    if (key === MIRROR_POD) errors.push(forbidden(path.key(key), 'may not add mirror pod annotation'));
  }
  return [...errors, ...validatePodAnnotations(annotations, spec, options, path)];
}
