/** Compare pkg/apis/core/validation: ValidateSecret. */
import { type ErrorList, invalid, Path, required, tooLong } from '@keelson/api/field';
import type { Secret } from '@keelson/api/generated/types/core/v1';
import { isConfigMapKey } from '@keelson/api/validation/names';
import { immutableName, invalidFor } from '../../validation/fields.ts';
import { MAX_DATA_SIZE, validateStillImmutable } from '../configmap/validation.ts';
import { jsonObjectProblem } from './json.ts';

const SERVICE_ACCOUNT_NAME = 'kubernetes.io/service-account.name';
const DATA = Path.of('data');

export function validateSecret(secret: Secret): ErrorList {
  const errors: ErrorList = [];
  let size = 0;
  for (const [key, value] of Object.entries(secret.data ?? {})) {
    errors.push(...invalidFor(DATA.key(key), key, isConfigMapKey(key)));
    size += Buffer.byteLength(value, 'base64');
  }
  if (size > MAX_DATA_SIZE) errors.push(tooLong(DATA, MAX_DATA_SIZE));
  errors.push(...validateType(secret));
  return errors;
}

/** What secrets of the well-known types must hold. */
function validateType(secret: Secret): ErrorList {
  const data = secret.data ?? {};
  const missing = (...keys: string[]) => keys.filter((k) => !(k in data)).map((k) => required(DATA.key(k)));
  switch (secret.type) {
    case 'kubernetes.io/service-account-token':
      return secret.metadata.annotations?.[SERVICE_ACCOUNT_NAME]
        ? []
        : [required(Path.of('metadata', 'annotations').key(SERVICE_ACCOUNT_NAME))];
    case 'kubernetes.io/dockercfg':
      return validateJSON(secret, '.dockercfg');
    case 'kubernetes.io/dockerconfigjson':
      return validateJSON(secret, '.dockerconfigjson');
    case 'kubernetes.io/basic-auth':
      return 'username' in data || 'password' in data ? [] : missing('username', 'password');
    case 'kubernetes.io/ssh-auth':
      return data['ssh-privatekey'] ? [] : [required(DATA.key('ssh-privatekey'))];
    case 'kubernetes.io/tls':
      return missing('tls.crt', 'tls.key');
    default:
      return [];
  }
}

function validateJSON(secret: Secret, key: string): ErrorList {
  const value = secret.data?.[key];
  if (value === undefined) return [required(DATA.key(key))];
  const problem = jsonObjectProblem(Buffer.from(value, 'base64'));
  return problem === undefined ? [] : [invalid(DATA.key(key), '<secret contents redacted>', problem)];
}

export function validateSecretChange(secret: Secret, old: Secret): ErrorList {
  return [
    ...immutableName(secret.type ?? '', old.type ?? '', Path.of('type')),
    ...(old.immutable ? validateStillImmutable(secret, old, ['data']) : []),
  ];
}
