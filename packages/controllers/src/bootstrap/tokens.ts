/** Bootstrap tokens as secrets have them (staging/src/k8s.io/cluster-bootstrap/token). */
import { createHmac } from 'node:crypto';
import type { Secret } from '@keelson/api/generated/types/core/v1';

export const TOKEN_TYPE = 'bootstrap.kubernetes.io/token';
export const NAMESPACE = 'kube-system';

function field({ data }: Secret, name: string): string {
  return Buffer.from((data?.[name] as string | undefined) ?? '', 'base64').toString();
}

/** Milliseconds since 1970; undefined for a token without an end. A text that is no time is over since ever. */
export function expiration(secret: Secret): number | undefined {
  const text = field(secret, 'expiration');
  if (text === '') return undefined;
  const time = Date.parse(text);
  return Number.isNaN(time) ? 0 : time;
}

/** @returns the token, if it may vouch for the cluster now */
export function signingToken(
  secret: Secret,
  now: number,
): { readonly id: string; readonly secret: string } | undefined {
  const id = field(secret, 'token-id');
  const value = field(secret, 'token-secret');
  const end = expiration(secret);
  const isRight = id !== '' && value !== '' && secret.metadata.name === `bootstrap-token-${id}`;
  if (!isRight || (end !== undefined && end <= now) || field(secret, 'usage-bootstrap-signing') !== 'true')
    return undefined;
  return { id, secret: value };
}

/** A JWS over the content, which is left out of it (RFC 7515, appendix F). */
export function detachedSignature(content: string, id: string, secret: string): string {
  const encoded = (text: string) => Buffer.from(text).toString('base64url');
  const header = encoded(JSON.stringify({ alg: 'HS256', kid: id }));
  const signature = createHmac('sha256', secret)
    .update(`${header}.${encoded(content)}`)
    .digest('base64url');
  return `${header}..${signature}`;
}
