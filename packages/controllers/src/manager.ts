/** Starts the controllers that are wanted. Compare cmd/kube-controller-manager/app/controllermanager.go. */
import { ApiEventRecorder, type Client, InformerFactory, withoutManagedFields } from '@keelson/client';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import { type Running, together } from '@keelson/component/running';
import type { Controller, ControllerContext } from './controller.ts';
import { controllers } from './controllers.ts';
import type { IsEnabled } from './gates.ts';
import type { ControllerSettings } from './settings.ts';

export interface ManagerOptions {
  /** The manager's own access, by which informers read. */
  readonly client: Client;
  /** @returns access as a service account of kube-system */
  clientFor(account: string): Client;
  /** As `--controllers`: names, `*` for all that are on by default, `-name` for all but one. */
  readonly wanted: readonly string[];
  readonly settings: ControllerSettings;
  /** Where controllers count; undefined where nobody reads it. */
  readonly metrics?: MetricsRegistry | undefined;
  /** Told of each controller that works now, by its name. */
  onStarted?(name: string): void;
}

/** Whether `--controllers` asks for a controller, and its gate lets it: what names it counts before what `*` says. */
export function isWanted(
  { name, alias, gate, offByDefault = false }: Controller,
  wanted: readonly string[],
  isEnabled: IsEnabled,
): boolean {
  if (gate !== undefined && !isEnabled(gate)) return false;
  const names = alias === undefined ? [name] : [name, alias];
  if (names.some((each) => wanted.includes(each))) return true;
  if (names.some((each) => wanted.includes(`-${each}`))) return false;
  return wanted.includes('*') && !offByDefault;
}

/** Starts the wanted controllers on shared informers. Resolves when all of them have been started. */
export async function startControllers(options: ManagerOptions): Promise<Running> {
  const { client, settings } = options;
  const informers = new InformerFactory(client, { transform: withoutManagedFields });
  const recorders: ApiEventRecorder[] = [];
  const recorderOf = (own: Client, component: string) => {
    const recorder = new ApiEventRecorder({ client: own, source: { component, host: '' }, api: 'v1' });
    recorders.push(recorder);
    return recorder;
  };
  const context = (account: string | undefined): ControllerContext => {
    const own = account === undefined ? client : options.clientFor(account);
    return {
      client: own,
      informers,
      recorder: (component) => recorderOf(own, component),
      world: own.world,
      settings,
      metrics: options.metrics,
    };
  };
  const running: Running[] = [];
  for (const controller of controllers.filter((each) => isWanted(each, options.wanted, settings.isEnabled))) {
    const started = await controller.start(context(controller.account));
    if (!started) continue;
    running.push(started);
    options.onStarted?.(controller.name);
  }
  informers.start();
  const all = together(running);
  return {
    done: all.done,
    stop: async () => {
      await all.stop();
      await informers.stop();
      for (const recorder of recorders) recorder.stop();
    },
  };
}
