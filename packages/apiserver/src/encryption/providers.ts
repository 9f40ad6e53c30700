/** From a valid configuration to what transforms the values of each resource. */

import type { Clock } from '@keelson/api/clock';
import { type GroupResource, qualified } from '@keelson/api/errors';
import type { Logger } from '@keelson/component/logs/logger';
import type { IsEnabled } from '../gates.ts';
import { AesCbc, AesGcm } from './aes.ts';
import { Choice, type Prefixed } from './choice.ts';
import {
  type Key,
  type KmsConfiguration,
  type ProviderConfiguration,
  parseGroupResource,
  type ResourceConfiguration,
} from './configuration.ts';
import { identity } from './identity.ts';
import type { EncryptionMetrics, TransformationMetrics } from './metrics.ts';
import type { ValueTransformer } from './transformer.ts';
import { decodeSecret } from './validation.ts';

export interface ProvidersOptions {
  readonly metrics: EncryptionMetrics;
  readonly featureEnabled: IsEnabled;
  readonly clock: Clock;
  readonly uuid: () => string;
  readonly logger: Logger;
}

/** A key management service in use. */
export interface KmsProvider extends Prefixed {
  readonly timeoutMs: number;
  /** Rejects with what is wrong. */
  check(): Promise<void>;
  close(): void;
}

/** What a configuration has become. */
export interface Providers {
  readonly kms: readonly KmsProvider[];
  /** Undefined: it is not named, and stored as it is. */
  for(resource: GroupResource): ValueTransformer | undefined;
}

/** @throws Error for resources that have no effect, and for version 1 of KMS */
export async function buildProviders(
  configuration: readonly ResourceConfiguration[],
  options: ProvidersOptions,
): Promise<Providers> {
  checkMasks(configuration);
  const kms: KmsProvider[] = [];
  const choices = new Map<string, ((metrics: TransformationMetrics) => Prefixed)[]>();
  try {
    for (const { resources, providers } of configuration) {
      const built = [];
      for (const provider of providers) built.push(await build(provider, options, kms));
      for (const name of resources) {
        const key = qualified(parseGroupResource(name));
        choices.set(key, [...(choices.get(key) ?? []), ...built]);
      }
    }
  } catch (error) {
    for (const provider of kms) provider.close();
    throw error;
  }
  return {
    kms,
    for(resource) {
      const found =
        choices.get(qualified(resource)) ??
        choices.get(qualified({ group: resource.group, resource: '*' })) ??
        choices.get('*.*');
      if (!found) return undefined;
      const metrics = options.metrics.transformations(qualified(resource));
      return new Choice(
        found.map((make) => make(metrics)),
        'no matching prefix found',
        metrics,
      );
    },
  };
}

/** @throws Error for a resource that comes behind a wildcard which holds it */
function checkMasks(configuration: readonly ResourceConfiguration[]): void {
  const seen = new Set<string>();
  for (const { group, resource } of configuration.flatMap(({ resources }) => resources.map(parseGroupResource))) {
    const mask = [
      { group, resource: '*' },
      { group: '*', resource: '*' },
    ].find((other) => seen.has(qualified(other)));
    if (mask) throw new Error(`resource "${shown({ group, resource })}" is masked by earlier rule "${shown(mask)}"`);
    seen.add(qualified({ group, resource }));
  }
}

const shown = (resource: GroupResource) => (qualified(resource) === '*' ? '*.' : qualified(resource));

/** A provider is shared by its resources, what counts for them is not. */
async function build(
  { aesgcm, aescbc, secretbox, kms }: ProviderConfiguration,
  options: ProvidersOptions,
  started: KmsProvider[],
): Promise<(metrics: TransformationMetrics) => Prefixed> {
  if (aesgcm) return keyed('aesgcm', 'AES', aesgcm, (key) => new AesGcm(key));
  if (aescbc) return keyed('aescbc', 'AES', aescbc, (key) => new AesCbc(key));
  if (secretbox) {
    const { Secretbox } = await import('./secretbox.ts');
    return keyed('secretbox', 'Secretbox', secretbox, (key) => new Secretbox(key));
  }
  if (kms) {
    const provider = await buildKms(kms, options);
    started.push(provider);
    return () => provider;
  }
  return () => ({ prefix: '', transformer: identity });
}

function keyed(
  provider: string,
  name: string,
  keys: readonly Key[],
  make: (key: Buffer) => ValueTransformer,
): (metrics: TransformationMetrics) => Prefixed {
  const choices = keys.map((key) => ({ prefix: `${key.name}:`, transformer: make(decodeSecret(key.secret)!) }));
  const noMatch = `no matching key was found for the provided ${name} transformer`;
  return (metrics) => ({ prefix: `k8s:enc:${provider}:v1:`, transformer: new Choice(choices, noMatch, metrics) });
}

async function buildKms(
  { apiVersion, name, endpoint, timeoutMs }: KmsConfiguration,
  { metrics, featureEnabled, clock, uuid, logger }: ProvidersOptions,
): Promise<KmsProvider> {
  if (apiVersion === 'v1') throw new Error(featureEnabled('KMSv1') ? V1_UNKNOWN : V1_OFF);
  const { connectPlugin } = await import('./kms/plugin.ts');
  const { WriteKeys } = await import('./kms/write-key.ts');
  const { Envelope } = await import('./kms/envelope.ts');
  const plugin = connectPlugin({ name, endpoint, timeoutMs, metrics });
  const keys = new WriteKeys({ name, plugin, metrics, clock, uuid, logger });
  await keys.start();
  return {
    prefix: `k8s:enc:kms:v2:${name}:`,
    transformer: new Envelope({ name, plugin, keys, metrics, uuid }),
    timeoutMs,
    check: () => keys.check(),
    close() {
      keys.stop();
      plugin.close();
    },
  };
}

const V1_OFF =
  'KMSv1 is deprecated and will only receive security updates going forward. Use KMSv2 instead.  Set --feature-gates=KMSv1=true to use the deprecated KMSv1 feature.';
const V1_UNKNOWN = 'KMSv1 is deprecated and not supported here. Use KMSv2 instead.';
