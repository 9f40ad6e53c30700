/** Compare pkg/apis/networking/validation: ValidateIngressClass. */
import { type ErrorList, forbidden, notSupported, Path, plain, required, tooLong } from '@keelson/api/field';
import type { IngressClass, IngressClassParametersReference } from '@keelson/api/generated/types/networking/v1';
import { isDomainPrefixedPath } from '@keelson/api/validation/domains';
import { nameIsDNSLabel } from '@keelson/api/validation/names';
import { immutableField, invalidFor } from '../../validation/fields.ts';
import { validateTypedReference } from '../reference.ts';

const SPEC = Path.of('spec');
const MAX_CONTROLLER = 250;
const SCOPES = ['Cluster', 'Namespace'];

export function validateIngressClass({ spec }: IngressClass): ErrorList {
  const { controller = '', parameters } = spec;
  const path = SPEC.child('controller');
  return [
    ...(Buffer.byteLength(controller) > MAX_CONTROLLER ? [tooLong(path, MAX_CONTROLLER)] : []),
    ...isDomainPrefixedPath(path, controller),
    ...(parameters ? validateParameters(parameters, SPEC.child('parameters')) : []),
  ];
}

export function validateIngressClassChange(obj: IngressClass, old: IngressClass): ErrorList {
  return immutableField(obj.spec.controller ?? '', old.spec.controller ?? '', SPEC.child('controller'));
}

function validateParameters(parameters: IngressClassParametersReference, path: Path): ErrorList {
  return [...validateTypedReference(parameters, path), ...validateScope(parameters, path)];
}

function validateScope({ scope, namespace }: IngressClassParametersReference, path: Path): ErrorList {
  const namespacePath = path.child('namespace');
  if (scope == null) return [required(path.child('scope'))];
  if (!SCOPES.includes(scope)) return [notSupported(path.child('scope'), plain(scope), SCOPES)];
  if (scope === 'Cluster')
    return namespace === undefined ? [] : [forbidden(namespacePath, "`parameters.scope` is set to 'Cluster'")];
  return namespace === undefined
    ? [required(namespacePath, "`parameters.scope` is set to 'Namespace'")]
    : invalidFor(namespacePath, namespace, nameIsDNSLabel(namespace, false));
}
