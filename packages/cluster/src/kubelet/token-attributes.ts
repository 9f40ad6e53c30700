/** `tokenAttributes` of a CredentialProvider (kubelet.config.k8s.io/v1; pkg/credentialprovider/plugin/config.go). */
import { isQualifiedName } from '@keelson/api/validation/names';
import type { TokenAttributes } from '@keelson/kubelet/images/accounts';

export interface TokenAttributesFile {
  readonly serviceAccountTokenAudience?: string;
  readonly cacheType?: string;
  readonly requireServiceAccount?: boolean;
  readonly requiredServiceAccountAnnotationKeys?: readonly string[];
  readonly optionalServiceAccountAnnotationKeys?: readonly string[];
}

const CACHE_TYPES = ['ServiceAccount', 'Token'] as const;
const VERSION = 'credentialprovider.kubelet.k8s.io/v1';

/** @param file without problems */
export function tokenAttributesOf(file: TokenAttributesFile): TokenAttributes {
  return {
    audience: file.serviceAccountTokenAudience!,
    cacheType: file.cacheType as TokenAttributes['cacheType'],
    requiresAccount: file.requireServiceAccount!,
    requiredAnnotations: file.requiredServiceAccountAnnotationKeys ?? [],
    optionalAnnotations: file.optionalServiceAccountAnnotationKeys ?? [],
  };
}

/** What is wrong with it, in upstream's words. @param apiVersion in which the provider is asked */
export function tokenAttributeProblems(file: TokenAttributesFile, apiVersion: string | undefined): string[] {
  const at = 'tokenAttributes';
  const { cacheType = '', requireServiceAccount } = file;
  const { requiredServiceAccountAnnotationKeys: required = [], optionalServiceAccountAnnotationKeys: optional = [] } =
    file;
  const both = required.filter((key) => optional.includes(key)).sort();
  const supported = CACHE_TYPES.join(', ');
  return [
    !file.serviceAccountTokenAudience && `${at}.serviceAccountTokenAudience: Required value`,
    requireServiceAccount === undefined && `${at}.requireServiceAccount: Required value`,
    apiVersion !== VERSION && `${at}: Forbidden: tokenAttributes is only supported for ${VERSION} API version`,
    requireServiceAccount === false &&
      required.length > 0 &&
      `${at}.requiredServiceAccountAnnotationKeys: Forbidden: requireServiceAccount cannot be false when requiredServiceAccountAnnotationKeys is set`,
    ...keyProblems(`${at}.requiredServiceAccountAnnotationKeys`, required),
    ...keyProblems(`${at}.optionalServiceAccountAnnotationKeys`, optional),
    both.length > 0 &&
      `${at}: Invalid value: ${JSON.stringify(both)}: annotation keys cannot be both required and optional`,
    cacheType === '' &&
      `${at}.cacheType: Required value: cacheType is required to be set when tokenAttributes is specified. Supported values are: ${supported}`,
    cacheType !== '' &&
      !CACHE_TYPES.some((type) => type === cacheType) &&
      `${at}.cacheType: Unsupported value: ${JSON.stringify(cacheType)}: supported values: ${CACHE_TYPES.map((type) => JSON.stringify(type)).join(', ')}`,
  ].filter((problem) => problem !== false);
}

function keyProblems(at: string, keys: readonly string[]): string[] {
  return keys.flatMap((key, i) => [
    ...isQualifiedName(key.toLowerCase()).map((why) => `${at}: Invalid value: ${JSON.stringify(key)}: ${why}`),
    ...(keys.indexOf(key) < i ? [`${at}: Duplicate value: ${JSON.stringify(key)}`] : []),
  ]);
}
