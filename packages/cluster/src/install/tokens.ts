/** Bootstrap tokens as the cluster keeps them. */
import type { Secret } from '@keelson/api/generated/types/core/v1';
import type { Draft } from '@keelson/client';
import { splitToken } from './configuration/init.ts';
import type { BootstrapToken } from './configuration/types.ts';

export const TOKEN_SECRET = 'bootstrap.kubernetes.io/token';

/** @param id the part of a token before its dot */
export const bootstrapSecretName = (id: string) => `bootstrap-token-${id}`;

/** The secret that a token is (bootstraptoken/v1 BootstrapTokenToSecret). */
export function bootstrapSecret(token: BootstrapToken, now: number): Draft<Secret> {
  const { id, secret } = splitToken(token.token);
  const ends = token.expires || (token.ttlMs > 0 ? rfc3339(now + token.ttlMs) : '');
  const fields = {
    'token-id': id,
    'token-secret': secret,
    ...(token.description === '' ? {} : { description: token.description }),
    ...(ends === '' ? {} : { expiration: ends }),
    ...Object.fromEntries(token.usages.map((usage) => [`usage-bootstrap-${usage}`, 'true'])),
    ...(token.groups.length === 0 ? {} : { 'auth-extra-groups': token.groups.join(',') }),
  };
  return {
    metadata: { namespace: 'kube-system', name: bootstrapSecretName(id) },
    type: TOKEN_SECRET,
    data: Object.fromEntries(
      Object.entries(fields).map(([name, value]) => [name, Buffer.from(value).toString('base64')]),
    ),
  };
}

const rfc3339 = (time: number) => new Date(time).toISOString().replace(/\.\d{3}Z$/, 'Z');

const USAGE = 'usage-bootstrap-';

/** The token that a secret is; undefined for one that lacks a part (BootstrapTokenFromSecret). */
export function tokenOf({ data = {} }: Pick<Secret, 'data'>): BootstrapToken | undefined {
  const read = (key: string) => Buffer.from(data[key] ?? '', 'base64').toString();
  const [id, secret] = [read('token-id'), read('token-secret')];
  if (id === '' || secret === '') return undefined;
  return {
    token: `${id}.${secret}`,
    description: read('description'),
    ttlMs: 0,
    expires: read('expiration'),
    usages: Object.keys(data)
      .filter((key) => key.startsWith(USAGE) && read(key) === 'true')
      .map((key) => key.slice(USAGE.length))
      .sort(),
    groups: read('auth-extra-groups')
      .split(',')
      .filter((group) => group !== ''),
  };
}
