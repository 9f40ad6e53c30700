/** From the configuration to the one authenticator of the server (kubernetes/pkg/kubeapiserver/authenticator). */
import type { X509Certificate } from 'node:crypto';
import type { Reloadable, ServerConfig } from '../config.ts';
import { certificatesOf } from '../http/pem.ts';
import type { Resources } from '../resources.ts';
import {
  type Authenticator,
  anonymous,
  firstOf,
  forApiAudiences,
  orElse,
  type TokenAuthenticator,
  withAuthenticatedGroup,
} from './authenticator.ts';
import { bearerToken, websocketToken } from './bearer.ts';
import { requestHeader } from './requestheader.ts';
import { staticTokens } from './tokenfile.ts';
import { type CertificatePool, clientCertificates } from './x509.ts';

/** In upstream's order: front proxy, client certificates, tokens; the anonymous when none of them knows the caller. */
export function buildAuthenticator(config: ServerConfig, _resources: Resources, now: () => Date): Authenticator {
  const milliseconds = (): number => now().getTime();
  const authenticators: Authenticator[] = [];
  const { requestHeader: proxy, clientCa } = config;
  if (proxy) authenticators.push(requestHeader({ ...proxy, pool: poolOf(proxy.clientCa), now: milliseconds }));
  if (clientCa) authenticators.push(clientCertificates(poolOf(clientCa), milliseconds));

  const tokens = tokenAuthenticators(config);
  if (tokens.length > 0) {
    const any = firstOf(tokens);
    authenticators.push(bearerToken(any), websocketToken(any));
  }
  const known = withAuthenticatedGroup(firstOf(authenticators));
  return config.anonymousAuth ? orElse(known, anonymous()) : known;
}

function tokenAuthenticators(config: ServerConfig): TokenAuthenticator[] {
  const audiences = config.serviceAccounts?.apiAudiences ?? config.serviceAccounts?.issuers ?? [];
  return config.tokens ? [forApiAudiences(audiences, staticTokens(config.tokens))] : [];
}

/** Parsed again only when the bundle has changed. */
function poolOf(bundle: Reloadable<string>): CertificatePool {
  let text: string | undefined;
  let certificates: readonly X509Certificate[] = [];
  return () => {
    const current = bundle.get();
    if (current !== text) {
      text = current;
      certificates = certificatesOf(current);
    }
    return certificates;
  };
}
