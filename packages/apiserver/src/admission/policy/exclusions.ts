/** What policies never see (pkg/kubeapiserver/admission/exclusion, plugin/policy/generic/plugin.go). */
import type { Namespace } from '@keelson/api/generated/types/core/v1';
import { namespaceOf } from '../matching/selectors.ts';
import { type AdmissionAttributes, type AdmissionWorld, isNamespace, resourceKey } from '../plugin.ts';

const EXCLUDED = new Set([
  // Questions about who somebody is and what he may do: without them nobody could do anything about a bad policy.
  'selfsubjectreviews.authentication.k8s.io',
  'tokenreviews.authentication.k8s.io',
  'localsubjectaccessreviews.authorization.k8s.io',
  'selfsubjectaccessreviews.authorization.k8s.io',
  'selfsubjectrulesreviews.authorization.k8s.io',
  'subjectaccessreviews.authorization.k8s.io',
  'validatingadmissionpolicies.admissionregistration.k8s.io',
  'validatingadmissionpolicybindings.admissionregistration.k8s.io',
  'mutatingadmissionpolicies.admissionregistration.k8s.io',
  'mutatingadmissionpolicybindings.admissionregistration.k8s.io',
]);

export function isExcluded({ resource }: AdmissionAttributes): boolean {
  return EXCLUDED.has(resourceKey(resource));
}

/** `namespaceObject`; a namespace is in none. @throws StatusError 404 */
export async function namespaceFor(
  attributes: AdmissionAttributes,
  { objects }: Pick<AdmissionWorld, 'objects'>,
): Promise<Namespace | undefined> {
  const { namespace } = attributes;
  return namespace === '' || isNamespace(attributes) ? undefined : namespaceOf(objects, namespace);
}
