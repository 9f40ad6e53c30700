import { hostname } from 'node:os';
import { systemClock } from '@keelson/api/clock';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import { apiServerId } from '../bootstrap/identity-lease.ts';
import type { EncryptionConfig } from '../config.ts';
import type { IsEnabled } from '../gates.ts';
import type { Environment } from '../registry/store.ts';
import type { Encryption } from './index.ts';

/** Loads the code of encryption, which nobody else needs. @throws EncryptionConfigError */
export async function startEncryption(
  config: EncryptionConfig,
  { uuid, logger, now }: Pick<Environment, 'uuid' | 'logger' | 'now'>,
  featureEnabled: IsEnabled,
  registry: MetricsRegistry,
): Promise<Encryption> {
  const { EncryptionMetrics } = await import('./metrics.ts');
  const { Encryption } = await import('./index.ts');
  const serverId = apiServerId(hostname());
  return Encryption.start({
    config,
    metrics: new EncryptionMetrics(registry, { now: () => performance.now(), clock: now, serverId }),
    featureEnabled,
    clock: systemClock,
    uuid,
    logger,
  });
}
