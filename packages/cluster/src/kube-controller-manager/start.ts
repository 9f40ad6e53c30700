import type { Client } from '@keelson/client';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import type { Running } from '@keelson/component/running';
import { startElected } from '../leader-election.ts';
import type { Values } from './flags.ts';
import { settingsOf } from './settings.ts';

/** How the manager reaches the API server, as itself and as its controllers' accounts. */
export interface Access {
  readonly client: Client;
  clientFor(account: string): Client;
  /** As a candidate for the lead; a new one each time without it. */
  readonly identity?: string;
  /** Where controllers count; undefined where nobody reads it. */
  readonly metrics?: MetricsRegistry;
  /** Told of each controller that works now, by its name. */
  onStarted?(name: string): void;
}

/** Starts the controllers that the flags want, once this manager leads. */
export async function startControllerManager(values: Values, access: Access): Promise<Running> {
  const { startControllers } = await import('@keelson/controllers');
  const settings = await settingsOf(values);
  const start = () => startControllers({ ...access, wanted: values.controllers, settings });
  return startElected(values, access.client, 'kube-controller-manager', start, access.identity);
}
