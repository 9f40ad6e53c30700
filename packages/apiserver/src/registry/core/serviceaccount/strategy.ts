import type { ServiceAccount } from '@keelson/api/generated/types/core/v1';
import type { Strategy } from '../../strategy.ts';

const ENFORCE_MOUNTABLE_SECRETS = 'kubernetes.io/enforce-mountable-secrets';

export const strategy: Strategy<ServiceAccount> = {
  returnDeletedObject: true,
  prepareForCreate: (_ctx, obj) => keepSecretNames(obj),
  warningsOnCreate: (_ctx, obj) => warnings(obj),
  prepareForUpdate: (_ctx, obj) => keepSecretNames(obj),
  updateChecks: ['metadata', 'new metadata', 'kind'],
  warningsOnUpdate: (_ctx, obj, old) => (enforcesMountableSecrets(old) ? [] : warnings(obj)),
};

/** Only the names of secrets count, not where they are. */
function keepSecretNames(account: ServiceAccount): void {
  if (account.secrets) account.secrets = account.secrets.map(({ name }) => (name ? { name } : {}));
}

function enforcesMountableSecrets({ metadata }: ServiceAccount): boolean {
  return metadata.annotations?.[ENFORCE_MOUNTABLE_SECRETS] !== undefined;
}

function warnings(account: ServiceAccount): string[] {
  if (!enforcesMountableSecrets(account)) return [];
  return [
    `metadata.annotations[${ENFORCE_MOUNTABLE_SECRETS}]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets`,
  ];
}
