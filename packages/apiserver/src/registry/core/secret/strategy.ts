import type { Secret } from '@keelson/api/generated/types/core/v1';
import type { Strategy } from '../../strategy.ts';
import { defaults } from './defaults.ts';
import { keyPairProblem } from './keypair.ts';
import { validateSecret, validateSecretChange } from './validation.ts';

export const strategy: Strategy<Secret> = {
  defaults,
  validate: (_ctx, obj) => validateSecret(obj),
  warningsOnCreate: (_ctx, obj) => warnings(obj),
  prepareForUpdate(_ctx, obj, old) {
    if (!obj.type && old.type) obj.type = old.type;
  },
  updateChecks: ['metadata', 'change', 'new metadata', 'kind'],
  validateChange: validateSecretChange,
  validateUpdate: (_ctx, obj) => validateSecret(obj),
  warningsOnUpdate: (_ctx, obj) => warnings(obj),
  selectableFields: (obj) => ({ type: obj.type ?? '' }),
};

function warnings(secret: Secret): string[] {
  if (secret.type !== 'kubernetes.io/tls') return [];
  const problem = keyPairProblem(bytes(secret, 'tls.crt'), bytes(secret, 'tls.key'));
  return problem === undefined ? [] : [problem];
}

function bytes(secret: Secret, key: string): Buffer {
  return Buffer.from(secret.data?.[key] ?? '', 'base64');
}
