import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Client } from '@keelson/client';
import type { Running } from '@keelson/component/running';
import type { Values } from './flags.ts';

/** @param identity in elections; a new one each time without it */
export async function startKubeScheduler(
  values: Values,
  client: Client,
  identity = `${hostname()}_${randomUUID()}`,
): Promise<Running> {
  const { defaultConfiguration, startScheduler } = await import('@keelson/scheduler');
  const configuration = defaultConfiguration();
  const leaderElection = {
    ...configuration.leaderElection,
    leaderElect: values['leader-elect'],
    leaseDurationMs: values['leader-elect-lease-duration'],
    renewDeadlineMs: values['leader-elect-renew-deadline'],
    retryPeriodMs: values['leader-elect-retry-period'],
    resourceName: values['leader-elect-resource-name'],
    resourceNamespace: values['leader-elect-resource-namespace'],
  };
  return startScheduler({
    client,
    configuration: { ...configuration, leaderElection },
    election: values['leader-elect'] ? { identity } : undefined,
  });
}
