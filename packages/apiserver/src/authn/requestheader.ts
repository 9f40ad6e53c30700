/**
 * Users named in headers by a front proxy that has proved itself with a certificate
 * (k8s.io/apiserver/pkg/authentication/request/headerrequest).
 */
import type { UserInfo } from '../registry/strategy.ts';
import type { Authenticator } from './authenticator.ts';
import { extraKey, type HeaderValues } from './headers.ts';
import { type CertificatePool, commonNameOf, verifyPeer } from './x509.ts';

export interface RequestHeaderOptions {
  readonly pool: CertificatePool;
  readonly now: () => number;
  /** Common names that a proxy may have; empty: any. `--requestheader-allowed-names` */
  readonly allowedNames: readonly string[];
  readonly usernameHeaders: readonly string[];
  readonly uidHeaders: readonly string[];
  readonly groupHeaders: readonly string[];
  readonly extraHeaderPrefixes: readonly string[];
}

/** @throws Error for a proxy with an untrusted certificate or a name that is not allowed */
export function requestHeader(options: RequestHeaderOptions): Authenticator {
  return async ({ headers, peer }) => {
    const leaf = peer?.chain[0];
    const roots = options.pool();
    if (!peer || !leaf || roots === undefined) return undefined;
    // Most certificates are those of clients that speak for themselves: nothing else of them matters here.
    if (firstValue(headers, options.usernameHeaders) === '') return undefined;
    verifyPeer(peer, roots, options.now());
    const name = commonNameOf(leaf);
    if (options.allowedNames.length > 0 && !options.allowedNames.includes(name))
      throw new Error(`x509: subject with cn=${name} is not in the allowed list`);
    const user = userOfHeaders(headers, options);
    return user && { user };
  };
}

function userOfHeaders(headers: HeaderValues, options: RequestHeaderOptions): UserInfo | undefined {
  const name = firstValue(headers, options.usernameHeaders);
  if (name === '') return undefined;
  const extra: Record<string, string[]> = {};
  for (const prefix of options.extraHeaderPrefixes) {
    for (const [rest, values] of headers.withPrefix(prefix)) {
      const key = extraKey(rest);
      extra[key] = [...(extra[key] ?? []), ...values];
    }
  }
  return {
    name,
    uid: firstValue(headers, options.uidHeaders),
    groups: options.groupHeaders.flatMap((h) => headers.all(h).filter((v) => v !== '')),
    extra,
  };
}

function firstValue(headers: HeaderValues, names: readonly string[]): string {
  return names.map((n) => headers.first(n)).find((v) => v !== '') ?? '';
}
