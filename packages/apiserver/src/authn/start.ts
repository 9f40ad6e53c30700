/** Authentication put together with those whom it asks outside, which have an end. */
import type { Logger } from '@keelson/component/logs/logger';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import type { ServerConfig } from '../config.ts';
import type { WebhookWorld } from '../webhook/kubeconfig.ts';
import type { Authenticator } from './authenticator.ts';
import { type AuthenticationWorld, buildAuthenticator, tokenWebhookOf } from './build.ts';
import { jwtAuthenticators } from './jwt/index.ts';
import { AuthenticationMetrics } from './metrics.ts';

export interface StartWorld
  extends WebhookWorld,
    Pick<AuthenticationWorld, 'objects' | 'now' | 'label' | 'keys' | 'isEnabled'> {
  readonly registry: MetricsRegistry;
  /** Milliseconds of a clock that never goes backwards. */
  readonly monotonic: () => number;
  /** Of this API server. */
  readonly identity: string;
  readonly logger: Logger;
}

export interface Authentication {
  /** Good for requests and for TokenReview. */
  readonly authenticate: Authenticator;
  readonly metrics: AuthenticationMetrics;
  close(): void;
}

/** @param config whose configuration of issuers has been checked */
export function startAuthentication(config: ServerConfig, world: StartWorld): Authentication {
  const metrics = new AuthenticationMetrics(world.registry, world.monotonic);
  const disallowedIssuers = config.serviceAccounts?.issuers ?? [];
  const jwt = config.jwt && jwtAuthenticators(config.jwt, { ...world, disallowedIssuers });
  const webhook = tokenWebhookOf(config, { ...world, metrics });
  return {
    authenticate: buildAuthenticator(config, { ...world, jwt: jwt?.authenticate, webhook, metrics }),
    metrics,
    close: () => {
      jwt?.close();
      config.tokenWebhook?.webhook.close();
    },
  };
}
