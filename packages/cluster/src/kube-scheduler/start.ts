import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { Client } from '@keelson/client';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import type { RunningScheduler, SchedulerConfiguration } from '@keelson/scheduler';
import type { IsEnabled } from '@keelson/scheduler/gates';
import { StartupError } from '../startup-error.ts';
import type { Values } from './flags.ts';

/** What the file of `--config` says; without it, what the flags say. @throws StartupError for a file that makes no sense */
export async function configurationOf(values: Values): Promise<SchedulerConfiguration> {
  const { defaultConfiguration, parseConfiguration } = await import('@keelson/scheduler');
  if (values.config !== '') {
    try {
      return parseConfiguration(await readFile(values.config));
    } catch (error) {
      throw new StartupError(`cannot use ${values.config}: ${(error as Error).message}`, 'correct --config');
    }
  }
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
  return { ...configuration, leaderElection, enableProfiling: values.profiling };
}

interface StartOptions {
  /** In elections; a new one each time without it. */
  readonly identity?: string | undefined;
  /** Where its metrics are registered. */
  readonly metrics?: MetricsRegistry | undefined;
  /** See the scheduler's own options. */
  readonly isEnabled?: IsEnabled;
}

export async function startKubeScheduler(
  values: Values,
  client: Client,
  { identity = `${hostname()}_${randomUUID()}`, metrics, isEnabled }: StartOptions = {},
): Promise<RunningScheduler> {
  const { startScheduler } = await import('@keelson/scheduler');
  const configuration = await configurationOf(values);
  const election = configuration.leaderElection.leaderElect ? { identity } : undefined;
  return startScheduler({ client, configuration, election, metrics, isEnabled });
}
