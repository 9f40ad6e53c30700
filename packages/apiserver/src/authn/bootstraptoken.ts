/**
 * Tokens for nodes that join, kept in secrets of kube-system (plugin/pkg/auth/authenticator/token/bootstrap).
 */
import { timingSafeEqual } from 'node:crypto';
import type { Secret } from '@keelson/api/generated/types/core/v1';
import type { Objects } from '../objects.ts';
import type { TokenAuthenticator } from './authenticator.ts';

const TOKEN = /^([a-z0-9]{6})\.([a-z0-9]{16})$/;
const GROUP = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/;
const DEFAULT_GROUP = 'system:bootstrappers';
const SECRET_TYPE = 'bootstrap.kubernetes.io/token';

/** Whatever is wrong with a secret, the token counts as unknown. */
export function bootstrapTokens(objects: Objects, now: () => number): TokenAuthenticator {
  return async (token) => {
    const [, id, tokenSecret] = TOKEN.exec(token) ?? [];
    if (id === undefined || tokenSecret === undefined) return undefined;
    const secret = await objects.get('secrets', 'kube-system', `bootstrap-token-${id}`);
    if (!secret || secret.metadata.deletionTimestamp || secret.type !== SECRET_TYPE) return undefined;
    const known = Buffer.from(dataOf(secret, 'token-secret'));
    const shown = Buffer.from(tokenSecret);
    if (known.length !== shown.length || !timingSafeEqual(known, shown)) return undefined;
    if (dataOf(secret, 'token-id') !== id || dataOf(secret, 'usage-bootstrap-authentication') !== 'true')
      return undefined;
    if (hasExpired(dataOf(secret, 'expiration'), now())) return undefined;
    const groups = groupsOf(dataOf(secret, 'auth-extra-groups'));
    return groups && { user: { name: `system:bootstrap:${id}`, uid: '', groups, extra: {} } };
  };
}

function dataOf(secret: Secret, key: string): string {
  return Buffer.from(secret.data?.[key] ?? '', 'base64').toString();
}

/** What can't be read counts as expired. */
function hasExpired(expiration: string, now: number): boolean {
  return expiration !== '' && !(Date.parse(expiration) > now);
}

/** Undefined when one of them is not a name that such a group may have. */
function groupsOf(extra: string): string[] | undefined {
  const groups = extra === '' ? [] : extra.split(',');
  if (!groups.every((g) => GROUP.test(g))) return undefined;
  return [...new Set([DEFAULT_GROUP, ...groups])].sort();
}
