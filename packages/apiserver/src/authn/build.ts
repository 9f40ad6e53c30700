/** From the configuration to the one authenticator of the server (kubernetes/pkg/kubeapiserver/authenticator). */
import type { X509Certificate } from 'node:crypto';
import type { Secret } from '@keelson/api/generated/types/core/v1';
import { asError } from '../aggregate.ts';
import { externalAddressOf, type Reloadable, type ServerConfig } from '../config.ts';
import type { IsEnabled } from '../gates.ts';
import { certificatesOf } from '../http/pem.ts';
import type { Objects } from '../objects.ts';
import type { UserInfo } from '../registry/strategy.ts';
import type { WebhookWorld } from '../webhook/kubeconfig.ts';
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
import { bootstrapTokens } from './bootstraptoken.ts';
import type { AuthenticationMetrics } from './metrics.ts';
import { requestHeader } from './requestheader.ts';
import { boundTokenValidator } from './serviceaccount/bound.ts';
import { type OpenIdDiscovery, openIdDiscovery } from './serviceaccount/discovery.ts';
import { jwtAuthenticator } from './serviceaccount/jwt.ts';
import { LEGACY_ISSUER, legacyTokenValidator } from './serviceaccount/legacy.ts';
import { maxTokenSecondsOf, type TokenKeys } from './serviceaccount/token-keys.ts';
import { EXTENDED_SECONDS, type TokenIssuer } from './serviceaccount/tokenrequest.ts';
import { cachedTokens } from './tokencache.ts';
import { staticTokens } from './tokenfile.ts';
import { tokenWebhook } from './webhook.ts';
import { type CertificatePool, clientCertificates } from './x509.ts';

type AuthenticationConfig = Pick<
  ServerConfig,
  | 'requestHeader'
  | 'clientCa'
  | 'tokens'
  | 'serviceAccounts'
  | 'enableBootstrapTokens'
  | 'anonymousAuth'
  | 'anonymousPaths'
>;

export interface AuthenticationWorld {
  readonly objects: Objects;
  readonly now: () => Date;
  readonly isEnabled: IsEnabled;
  /** Those of service accounts. */
  readonly keys: TokenKeys | undefined;
  /** Puts a label on a secret, on behalf of the server. Never throws. */
  readonly label: (secret: Secret, key: string, value: string) => Promise<void>;
  /** The tokens with which the server's own parts speak to it. */
  readonly loopback?: ReadonlyMap<string, UserInfo>;
  /** JSON Web Tokens of issuers that the configuration names. */
  readonly jwt?: TokenAuthenticator | undefined;
  /** Asked last, since it is far away. */
  readonly webhook?: TokenAuthenticator | undefined;
  readonly metrics?: AuthenticationMetrics;
}

type OpenIdConfig = Pick<
  ServerConfig,
  'serviceAccounts' | 'advertiseAddress' | 'externalHostname' | 'securePort' | 'logger'
>;

const TOKEN_CACHE_MS = 10_000;

/** `--api-audiences`; by default the issuers. */
export function apiAudiencesOf({ serviceAccounts }: Pick<ServerConfig, 'serviceAccounts'>): readonly string[] {
  return serviceAccounts?.apiAudiences ?? serviceAccounts?.issuers ?? [];
}

/**
 * In upstream's order: front proxy, client certificates, tokens; the anonymous when none of them knows the caller.
 * Good for requests and for TokenReview.
 */
export function buildAuthenticator(config: AuthenticationConfig, world: AuthenticationWorld): Authenticator {
  const now = (): number => world.now().getTime();
  const authenticators: Authenticator[] = [];
  const { requestHeader: proxy, clientCa } = config;
  if (proxy) authenticators.push(requestHeader({ ...proxy, pool: poolOf(proxy.clientCa), now }));
  if (clientCa)
    authenticators.push(
      clientCertificates(poolOf(clientCa), now, {
        readsUid: world.isEnabled('AllowParsingUserUIDFromCertAuth'),
        shown: world.metrics?.certificate,
      }),
    );

  const byToken = tokenAuthenticators(config, world);
  if (byToken.length > 0) {
    const { metrics } = world;
    const tokens = cachedTokens(firstOf(byToken), { successTtlMs: TOKEN_CACHE_MS, failureTtlMs: 0, now, metrics });
    authenticators.push(bearerToken(tokens), websocketToken(tokens));
  }
  const known = withAuthenticatedGroup(firstOf(authenticators));
  const outside = config.anonymousAuth ? orElse(known, anonymous(config.anonymousPaths)) : known;
  // The server itself comes first; its "invalid bearer token" is part of what TokenReview tells.
  const loopback = forApiAudiences(apiAudiencesOf(config), staticTokens(world.loopback ?? new Map()));
  return firstOf([bearerToken(loopback), outside]);
}

function tokenAuthenticators(config: AuthenticationConfig, world: AuthenticationWorld): TokenAuthenticator[] {
  const { objects, keys } = world;
  const { serviceAccounts, tokens } = config;
  const apiAudiences = apiAudiencesOf(config);
  const now = (): number => world.now().getTime();
  const all: TokenAuthenticator[] = [];
  if (tokens) all.push(forApiAudiences(apiAudiences, staticTokens(tokens)));
  if (serviceAccounts && keys) {
    const { issuers, lookup = true } = serviceAccounts;
    const metrics = world.metrics?.accountTokens;
    const common = { keys, apiAudiences, metrics };
    const legacy = legacyTokenValidator({ objects, now: world.now, lookup, label: world.label, metrics });
    all.push(jwtAuthenticator({ ...common, issuers: [LEGACY_ISSUER], validate: legacy }));
    all.push(jwtAuthenticator({ ...common, issuers, validate: boundTokenValidator(objects, now, metrics) }));
  }
  if (config.enableBootstrapTokens) all.push(forApiAudiences(apiAudiences, bootstrapTokens(objects, now)));
  // After service accounts: who asks an issuer for keys should know that the token may be one of his.
  if (world.jwt) all.push(forApiAudiences(apiAudiences, world.jwt));
  if (world.webhook) all.push(world.webhook);
  return all;
}

/** The webhook that tokens are shown to, what it says remembered. */
export function tokenWebhookOf(
  { tokenWebhook: config, ...others }: Pick<ServerConfig, 'tokenWebhook' | 'serviceAccounts'>,
  world: WebhookWorld & { readonly metrics: AuthenticationMetrics },
): TokenAuthenticator | undefined {
  if (!config) return undefined;
  const { webhook, version, cacheTtlMs: ttl } = config;
  const ask = tokenWebhook({ webhook, version, apiAudiences: apiAudiencesOf(others), world });
  const { metrics, clock } = world;
  return cachedTokens(ask, { successTtlMs: ttl, failureTtlMs: ttl, now: () => clock.now(), metrics });
}

/** Undefined where no tokens are signed. */
export function tokenIssuer(
  { serviceAccounts }: Pick<ServerConfig, 'serviceAccounts'>,
  keys: TokenKeys | undefined,
  { now, uuid, isEnabled }: Pick<TokenIssuer, 'now' | 'uuid' | 'isEnabled'>,
  objects: Objects,
): TokenIssuer | undefined {
  if (!serviceAccounts || !keys) return undefined;
  const { issuers, extendExpiration = true } = serviceAccounts;
  return {
    issuer: issuers[0]!,
    keys,
    apiAudiences: apiAudiencesOf({ serviceAccounts }),
    maxSeconds: maxTokenSecondsOf(serviceAccounts, keys),
    extendedSeconds: extendExpiration ? Math.min(keys.maxTokenSeconds, EXTENDED_SECONDS) : 0,
    objects,
    now,
    uuid,
    isEnabled,
  };
}

/** Undefined where no tokens are signed, or for an issuer that OpenID does not allow: the server then does without. */
export function openIdDiscoveryOf(config: OpenIdConfig, keys: TokenKeys | undefined): OpenIdDiscovery | undefined {
  const { serviceAccounts, logger } = config;
  if (!serviceAccounts || !keys) return undefined;
  const { issuers, jwksUri = '' } = serviceAccounts;
  const options = { issuer: issuers[0] ?? '', jwksUri, externalAddress: externalAddressOf(config) };
  try {
    return openIdDiscovery(options, keys, ({ message }) =>
      logger.error({ error: message }, 'service account issuer discovery was not updated'),
    );
  } catch (thrown) {
    logger.warn({ error: asError(thrown).message }, 'service account issuer discovery is not served');
    return undefined;
  }
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
