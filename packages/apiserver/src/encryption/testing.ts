import { MetricsRegistry } from '@keelson/component/metrics/registry';
import { EncryptionMetrics } from './metrics.ts';

export function encryptionMetrics(registry = new MetricsRegistry()): EncryptionMetrics {
  return new EncryptionMetrics(registry, { now: () => 0, clock: () => new Date(0), serverId: 'apiserver-test' });
}

export const keysOf = (name: string, letter: string) => ({
  keys: [{ name, secret: Buffer.alloc(32, letter).toString('base64') }],
});

export const configurationOf = (...resources: readonly { resources: string[]; providers: object[] }[]) =>
  JSON.stringify({ kind: 'EncryptionConfiguration', apiVersion: 'apiserver.config.k8s.io/v1', resources });
