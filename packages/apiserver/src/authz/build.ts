/** From the configuration to the one authorizer of the server, which is another one after each change of the configuration. */
import type { Logger } from '@keelson/component/logs/logger';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import type { Reloadable } from '../config.ts';
import { type FileText, followFile } from '../configuration-file.ts';
import { KubeconfigWebhook, type WebhookWorld } from '../webhook/kubeconfig.ts';
import { type AbacPolicy, abacAuthorizer } from './abac.ts';
import type { Attributes, Authorizer } from './attributes.ts';
import { authorizerChain, type NamedAuthorizer } from './chain.ts';
import {
  type AuthorizationConfiguration,
  type AuthorizationMode,
  authorizationConfiguration,
} from './configuration.ts';
import { AuthorizationMetrics } from './metrics.ts';
import { WebhookAuthorizer } from './webhook.ts';

/** Who is asked whether requests are allowed. */
export interface AuthorizationOptions {
  readonly configuration: AuthorizationConfiguration;
  /** Of the type ABAC. */
  readonly policies?: readonly AbacPolicy[];
  /** Where the configuration comes from, if from a file. */
  readonly file?: Reloadable<string> & Pick<FileText, 'problemOf'>;
}

export interface AuthorizationWorld extends WebhookWorld {
  /** The authorizers that are always there once the server has started with them. */
  readonly provided: Readonly<Partial<Record<AuthorizationMode, Authorizer>>>;
  readonly registry: MetricsRegistry;
  readonly monotonic: () => number;
  readonly identity: string;
  readonly now: () => Date;
  readonly logger: Logger;
}

export interface Authorization extends Authorizer {
  readonly metrics: AuthorizationMetrics;
  close(): void;
}

/** Requests that are being decided finish with the authorizers that they began with. */
const LINGER_MS = 60_000;

/** @throws Error where a webhook's kubeconfig cannot be used */
export function buildAuthorization(options: AuthorizationOptions, world: AuthorizationWorld): Authorization {
  const metrics = new AuthorizationMetrics(world.registry, world.monotonic);
  const initial = options.configuration.map(({ type }) => type);
  const local: Partial<Record<AuthorizationMode, Authorizer>> = {
    ...Object.fromEntries(
      Object.entries(world.provided).filter(([type]) => initial.includes(type as AuthorizationMode)),
    ),
    ...(options.policies ? { ABAC: abacAuthorizer(options.policies) } : {}),
  };
  let current = chainOf(options.configuration, local, metrics, world);
  const { file } = options;
  if (file)
    followFile({
      ...world,
      what: 'authorization',
      metrics: world.registry,
      file,
      load: (text) => {
        const configuration = authorizationConfiguration({ text, problemOf: file.problemOf }, initial);
        const before = current;
        current = chainOf(configuration, local, metrics, world);
        world.clock.after(LINGER_MS, before.close, { background: true });
      },
    });
  return {
    metrics,
    authorize: (attributes: Attributes) => current.authorize(attributes),
    rulesFor: (user, namespace) => current.rulesFor(user, namespace),
    close: () => current.close(),
  };
}

function chainOf(
  configuration: AuthorizationConfiguration,
  local: Readonly<Partial<Record<AuthorizationMode, Authorizer>>>,
  metrics: AuthorizationMetrics,
  world: AuthorizationWorld,
): Authorizer & { close(): void } {
  const webhooks: WebhookAuthorizer[] = [];
  const authorizers = configuration.map(({ type, name, webhook: config }): NamedAuthorizer => {
    if (!config) return { type, name, authorizer: local[type] };
    const webhook = KubeconfigWebhook.open(config.kubeConfigFile, world, config.timeoutMs);
    const authorizer = new WebhookAuthorizer({ name, config, webhook, metrics, world });
    webhooks.push(authorizer);
    return { type, name, authorizer };
  });
  return {
    ...authorizerChain(authorizers, metrics),
    close: () => {
      for (const webhook of webhooks) webhook.close();
    },
  };
}
