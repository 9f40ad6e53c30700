import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ManualClock } from '@keelson/api/clock';
import { silentLogger } from '@keelson/component/logs/logger';
import { MetricsRegistry } from '@keelson/component/metrics/registry';
import { expect, it } from 'vitest';
import { isEnabledByDefault } from '../gates.ts';
import { Encryption } from './index.ts';
import { EncryptionMetrics } from './metrics.ts';

const configured = (provider: string) => `
apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources: [{resources: [secrets], providers: [${provider}]}]
`;

it('waits for no plugin any more once it is closed', async () => {
  let text = configured('{identity: {}}');
  let changed = () => {};
  const told = Promise.withResolvers<string>();
  const clock = new ManualClock();
  const encryption = await Encryption.start({
    config: {
      file: {
        get: () => text,
        onChange: (listener: () => void) => {
          changed = listener;
        },
      },
      path: '/encryption.yaml',
      automaticReload: true,
      keyPrefix: '/registry',
    },
    metrics: new EncryptionMetrics(new MetricsRegistry(), { now: () => 0, clock: () => new Date(0), serverId: 'a' }),
    featureEnabled: isEnabledByDefault,
    clock,
    uuid: () => 'a',
    logger: { ...silentLogger, error: ({ error }: { error?: string }) => told.resolve(error ?? '') },
  });
  text = configured(
    `{kms: {apiVersion: v2, name: a, timeout: 100ms, endpoint: "unix://${join(tmpdir(), 'keelson-no-plugin')}"}}`,
  );
  changed();
  encryption.close();
  expect(await told.promise).toBe('the server has ended');
});
