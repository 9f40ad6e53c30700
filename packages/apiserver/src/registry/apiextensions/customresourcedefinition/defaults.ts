import type { CustomResourceDefinition } from '@keelson/api/generated/types/apiextensions/v1';

/** Compare k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1/defaults.go. */
export function setDefaults({ spec, status }: CustomResourceDefinition): void {
  const { names } = spec;
  if (!names.singular && names.kind) names.singular = names.kind.toLowerCase();
  if (!names.listKind && names.kind) names.listKind = `${names.kind}List`;
  spec.conversion ??= { strategy: 'None' };
  const service = spec.conversion.webhook?.clientConfig?.service;
  if (service) service.port ??= 443;
  const storage = spec.versions?.find((v) => v.storage);
  if (!status.storedVersions?.length && storage) status.storedVersions = [storage.name];
}
