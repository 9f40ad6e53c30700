/** Projected volumes: several sources in one directory. */

import { type ErrorList, forbidden, invalid, notSupported, type Path, required, tooLong } from '@keelson/api/field';
import type {
  ClusterTrustBundleProjection,
  PodCertificateProjection,
  ProjectedVolumeSource,
  VolumeProjection,
} from '@keelson/api/generated/types/core/v1';
import { isDomainPrefixedKey } from '@keelson/api/validation/domains';
import { internalValue } from '../../../validation/internal.ts';
import { validateLabelSelector } from '../../../validation/labelselector.ts';
import { clusterTrustBundleNameProblems, isKubernetesSigner, validateSignerName } from '../../../validation/signers.ts';
import { requireAll } from './names.ts';
import type { PodValidationOptions } from './options.ts';
import { validateFileMode, validateLocalNonReservedPath } from './paths.ts';
import { validateDownwardAPIFile, validateKeyToPath } from './volumesources.ts';

const MIN_TOKEN_SECONDS = 600;
const MAX_TOKEN_SECONDS = 2 ** 32;
const KEY_TYPES = ['RSA3072', 'RSA4096', 'ECDSAP256', 'ECDSAP384', 'ECDSAP521', 'ED25519'];
const MIN_CERTIFICATE_SECONDS = 3600;
const MAX_CERTIFICATE_SECONDS = 91 * 24 * 3600;
const KUBERNETES_MAX_CERTIFICATE_SECONDS = 24 * 3600;
const MAX_USER_ANNOTATIONS = 256 * 1024;

export function validateProjected(
  { defaultMode, sources }: ProjectedVolumeSource,
  options: PodValidationOptions,
  path: Path,
): ErrorList {
  const validator = new ProjectionValidator(options, path);
  return [
    ...validateFileMode(defaultMode, path.child('defaultMode')),
    ...(sources ?? []).flatMap((source, i) => validator.validate(source, path.child('sources').index(i))),
  ];
}

/** Remembers which files the sources before this one make. */
class ProjectionValidator {
  readonly #options: PodValidationOptions;
  /** Of the volume source: where collisions are reported. */
  readonly #path: Path;
  readonly #files = new Set<string>();

  constructor(options: PodValidationOptions, path: Path) {
    this.#options = options;
    this.#path = path;
  }

  validate(source: VolumeProjection, path: Path): ErrorList {
    const { secret, configMap, downwardAPI, serviceAccountToken, clusterTrustBundle, podCertificate } = source;
    const errors: ErrorList = [];
    for (const [key, projection] of Object.entries({ secret, configMap })) {
      if (!projection) continue;
      const at = path.child(key);
      errors.push(...requireAll({ name: projection.name }, at));
      for (const [i, item] of (projection.items ?? []).entries())
        errors.push(
          ...validateKeyToPath(item, at.child('items').index(i)),
          ...(item.path ? this.#claim(item.path, projection.name ?? '') : []),
        );
    }
    for (const file of downwardAPI?.items ?? [])
      errors.push(
        ...validateDownwardAPIFile(file, path.child('downwardAPI')),
        ...(file.path ? this.#claim(file.path, file.path) : []),
      );
    if (serviceAccountToken)
      errors.push(
        ...validateTokenSeconds(serviceAccountToken.expirationSeconds ?? 0, path.child('serviceAccountToken')),
        ...this.#validateTokenPath(serviceAccountToken.path ?? ''),
      );
    if (clusterTrustBundle)
      errors.push(...this.#validateTrustBundle(clusterTrustBundle, path.child('clusterTrustBundle')));
    if (podCertificate) errors.push(...this.#validateCertificate(podCertificate, path.child('podCertificate')));
    if (Object.keys(source).length > 1)
      errors.push(forbidden(path, 'may not specify more than 1 volume type per source'));
    return errors;
  }

  /** @param shown what the message gives as the value */
  #claim(file: string, shown: string): ErrorList {
    const taken = this.#files.has(file);
    this.#files.add(file);
    return taken ? [invalid(this.#path, shown, 'conflicting duplicate paths')] : [];
  }

  #validateTokenPath(target: string): ErrorList {
    const at = this.#path.child('path');
    if (target === '') return [required(at)];
    return this.#options.allowNonLocalProjectedTokenPath ? [] : validateLocalNonReservedPath(target, at);
  }

  #validateTrustBundle(bundle: ClusterTrustBundleProjection, path: Path): ErrorList {
    const target = bundle.path ?? '';
    return [
      ...validateTrustBundleReference(bundle, path),
      ...requireAll({ path: target }, path),
      ...validateLocalNonReservedPath(target, path.child('path')),
      ...this.#claim(target, target),
    ];
  }

  #validateCertificate(certificate: PodCertificateProjection, path: Path): ErrorList {
    const errors = validateCertificateRequest(certificate, path);
    const keys = ['credentialBundlePath', 'keyPath', 'certificateChainPath'] as const;
    for (const key of keys) {
      const target = certificate[key];
      if (target) errors.push(...validateLocalNonReservedPath(target, path.child(key)), ...this.#claim(target, target));
    }
    if (keys.every((key) => !certificate[key]))
      errors.push(required(path, 'specify at least one of credentialBundlePath, keyPath, and certificateChainPath'));
    return errors;
  }
}

function validateTokenSeconds(seconds: number, path: Path): ErrorList {
  const at = path.child('expirationSeconds');
  if (seconds < MIN_TOKEN_SECONDS) return [invalid(at, seconds, 'may not specify a duration less than 10 minutes')];
  return seconds > MAX_TOKEN_SECONDS
    ? [invalid(at, seconds, 'may not specify a duration larger than 2^32 seconds')]
    : [];
}

function validateTrustBundleReference(bundle: ClusterTrustBundleProjection, path: Path): ErrorList {
  const { name, signerName, labelSelector } = bundle;
  if (name !== undefined && signerName !== undefined) {
    const shown = internalValue('io.k8s.api.core.v1.ClusterTrustBundleProjection', bundle);
    return [invalid(path, shown, 'only one of name and signerName may be used')];
  }
  if (name !== undefined) {
    const at = path.child('name');
    const errors: ErrorList = name === '' ? [required(at, 'must be a valid object name')] : [];
    for (const problem of clusterTrustBundleNameProblems(name))
      errors.push(invalid(at, name, `not a valid clustertrustbundlename: ${problem}`));
    if (labelSelector)
      errors.push(
        invalid(path.child('labelSelector'), labelSelector, 'labelSelector must be unset if name is specified'),
      );
    return errors;
  }
  if (signerName === undefined) return [required(path, 'either name or signerName must be specified')];
  const at = path.child('signerName');
  return [
    ...(signerName === '' ? [required(at, 'must be a valid signer name')] : []),
    ...validateSignerName(at, signerName),
    ...validateLabelSelector(labelSelector, {}, path.child('labelSelector')),
  ];
}

function validateCertificateRequest(certificate: PodCertificateProjection, path: Path): ErrorList {
  const { signerName = '', keyType = '', maxExpirationSeconds: seconds, userAnnotations } = certificate;
  const errors = validateSignerName(path.child('signerName'), signerName);
  if (userAnnotations) errors.push(...validateUserAnnotations(userAnnotations, path.child('userAnnotations')));
  if (!KEY_TYPES.includes(keyType)) errors.push(notSupported(path.child('keyType'), keyType, KEY_TYPES));
  if (seconds === undefined) return errors;
  const at = path.child('maxExpirationSeconds');
  if (seconds < MIN_CERTIFICATE_SECONDS)
    errors.push(invalid(at, seconds, `if provided, maxExpirationSeconds must be >= ${MIN_CERTIFICATE_SECONDS}`));
  const max = isKubernetesSigner(signerName) ? KUBERNETES_MAX_CERTIFICATE_SECONDS : MAX_CERTIFICATE_SECONDS;
  if (seconds > max) errors.push(invalid(at, seconds, `if provided, maxExpirationSeconds must be <= ${max}`));
  return errors;
}

function validateUserAnnotations(annotations: Readonly<Record<string, string>>, path: Path): ErrorList {
  const errors = Object.keys(annotations).flatMap((key) => isDomainPrefixedKey(path, key.toLowerCase()));
  const size = Object.entries(annotations).reduce((n, [k, v]) => n + Buffer.byteLength(k) + Buffer.byteLength(v), 0);
  return size > MAX_USER_ANNOTATIONS ? [...errors, tooLong(path, MAX_USER_ANNOTATIONS)] : errors;
}
