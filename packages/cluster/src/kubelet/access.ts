/** Who may ask the kubelet, by its configuration and its flags (cmd/kubelet/app/auth.go). */
import type { Access } from '@keelson/kubelet/server/server';
import { durationOf } from '../component-config.ts';
import { StartupError } from '../startup-error.ts';
import type { Values } from './flags.ts';

/** Fields of a KubeletConfiguration. */
export interface AccessFile {
  readonly authentication?: {
    readonly anonymous?: { readonly enabled?: boolean };
    readonly webhook?: { readonly enabled?: boolean; readonly cacheTTL?: string };
    readonly x509?: { readonly clientCAFile?: string };
  };
  readonly authorization?: {
    readonly mode?: string;
    readonly webhook?: { readonly cacheAuthorizedTTL?: string; readonly cacheUnauthorizedTTL?: string };
  };
  readonly readOnlyPort?: number;
}

/**
 * Unless something is said nobody is anonymous, and the API server is asked: also without a file, where upstream's kubelet
 * is open to all.
 * @returns the fields with flags and defaults in them @throws StartupError for a mode that there is not
 */
export function accessFile(file: AccessFile, values: Values, given: ReadonlySet<string>): Required<AccessFile> {
  const { anonymous, webhook: tokens, x509 } = file.authentication ?? {};
  const { mode, webhook: reviews } = file.authorization ?? {};
  const pick = <F extends keyof Values, T>(
    flag: F,
    own: T,
    ifNone: NonNullable<T> & Values[F],
  ): Values[F] | NonNullable<T> => (given.has(flag) ? values[flag] : (own ?? ifNone));
  const time = (flag: keyof Values, own: string | undefined, ifNone: string) =>
    given.has(flag) ? `${values[flag]}ms` : own && durationOf(own) !== 0 ? own : ifNone;
  const all = {
    authentication: {
      x509: { clientCAFile: pick('client-ca-file', x509?.clientCAFile, '') },
      webhook: {
        enabled: pick('authentication-token-webhook', tokens?.enabled, true),
        cacheTTL: time('authentication-token-webhook-cache-ttl', tokens?.cacheTTL, '2m0s'),
      },
      anonymous: { enabled: pick('anonymous-auth', anonymous?.enabled, false) },
    },
    authorization: {
      mode: pick('authorization-mode', mode || undefined, 'Webhook'),
      webhook: {
        cacheAuthorizedTTL: time('authorization-webhook-cache-authorized-ttl', reviews?.cacheAuthorizedTTL, '5m0s'),
        cacheUnauthorizedTTL: time(
          'authorization-webhook-cache-unauthorized-ttl',
          reviews?.cacheUnauthorizedTTL,
          '30s',
        ),
      },
    },
    readOnlyPort: pick('read-only-port', file.readOnlyPort, 0),
  };
  if (!['AlwaysAllow', 'Webhook'].includes(all.authorization.mode)) {
    throw new StartupError(`unknown authorization mode ${all.authorization.mode}`, 'use AlwaysAllow or Webhook');
  }
  return all;
}

/** What the kubelet's port is told of it. */
export function accessOf({ authentication, authorization }: ReturnType<typeof accessFile>): Access {
  const { anonymous, webhook: tokens } = authentication;
  const { mode, webhook: reviews } = authorization;
  return {
    anonymous: anonymous?.enabled ?? false,
    tokensHoldMs: tokens?.enabled ? durationOf(tokens.cacheTTL!) : undefined,
    reviews:
      mode === 'AlwaysAllow'
        ? undefined
        : {
            allowedMs: durationOf(reviews!.cacheAuthorizedTTL!),
            deniedMs: durationOf(reviews!.cacheUnauthorizedTTL!),
          },
  };
}
