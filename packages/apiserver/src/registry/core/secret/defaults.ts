import type { Secret } from '@keelson/api/generated/types/core/v1';

/** Also merges the write-only `stringData` into `data`, as upstream does when it converts from v1. */
export function defaults(secret: Secret): void {
  if (secret.stringData) {
    for (const [key, value] of Object.entries(secret.stringData)) {
      secret.data ??= {};
      secret.data[key] = Buffer.from(value, 'utf8').toString('base64');
    }
    delete secret.stringData;
  }
  if (!secret.type) secret.type = 'Opaque';
}
