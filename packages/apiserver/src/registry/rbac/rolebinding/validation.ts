/** Compare pkg/apis/rbac/validation: ValidateRoleBinding, ValidateClusterRoleBinding. */

import { semanticEqual } from '@keelson/api/codec/equality';
import { type ErrorList, invalid, notSupported, Path, plain, required } from '@keelson/api/field';
import type { ClusterRoleBinding, RoleBinding, Subject } from '@keelson/api/generated/types/rbac/v1';
import { nameIsDNSSubdomain } from '@keelson/api/validation/names';
import { invalidFor } from '../../validation/fields.ts';
import { internalValue } from '../../validation/internal.ts';
import { validateKubeObjectMetaUpdate } from '../../validation/objectmeta.ts';
import { rbacName } from '../role/validation.ts';

export const GROUP = 'rbac.authorization.k8s.io';
const ROLE_REF = Path.of('roleRef');
const SUBJECT_KINDS = ['ServiceAccount', 'User', 'Group'];

type Binding = RoleBinding | ClusterRoleBinding;

/** @param namespaced a RoleBinding, not a ClusterRoleBinding */
export function validateBinding({ roleRef, subjects }: Binding, namespaced: boolean): ErrorList {
  const errors: ErrorList = [];
  const kinds = namespaced ? ['Role', 'ClusterRole'] : ['ClusterRole'];
  if (roleRef.apiGroup !== GROUP)
    errors.push(notSupported(ROLE_REF.child('apiGroup'), plain(roleRef.apiGroup ?? ''), [GROUP]));
  if (!kinds.includes(roleRef.kind)) errors.push(notSupported(ROLE_REF.child('kind'), plain(roleRef.kind), kinds));
  if (!roleRef.name) errors.push(required(ROLE_REF.child('name')));
  else errors.push(...invalidFor(ROLE_REF.child('name'), roleRef.name, rbacName(roleRef.name)));
  for (const [i, subject] of (subjects ?? []).entries())
    errors.push(...validateSubject(subject, namespaced, Path.of('subjects').index(i)));
  return errors;
}

function validateSubject(subject: Subject, namespaced: boolean, path: Path): ErrorList {
  const errors: ErrorList = [];
  const { kind, name, apiGroup = '', namespace } = subject;
  if (!name) errors.push(required(path.child('name')));
  if (kind === 'ServiceAccount') {
    if (name) errors.push(...invalidFor(path.child('name'), name, nameIsDNSSubdomain(name, false)));
    if (apiGroup) errors.push(notSupported(path.child('apiGroup'), plain(apiGroup), ['']));
    if (!namespaced && !namespace) errors.push(required(path.child('namespace')));
  } else if (kind === 'User' || kind === 'Group') {
    if (apiGroup !== GROUP) errors.push(notSupported(path.child('apiGroup'), plain(apiGroup ?? ''), [GROUP]));
  } else {
    errors.push(notSupported(path.child('kind'), plain(kind), SUBJECT_KINDS));
  }
  return errors;
}

export function validateBindingUpdate(binding: Binding, old: Binding, namespaced: boolean): ErrorList {
  const errors = [
    ...validateBinding(binding, namespaced),
    ...validateKubeObjectMetaUpdate(binding.metadata, old.metadata, Path.of('metadata')),
  ];
  if (!semanticEqual(binding.roleRef, old.roleRef))
    errors.push(
      invalid(ROLE_REF, internalValue('io.k8s.api.rbac.v1.RoleRef', binding.roleRef), 'cannot change roleRef'),
    );
  return errors;
}
