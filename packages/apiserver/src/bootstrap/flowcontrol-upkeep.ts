/** Keeps the flow schemas and priority levels that exist from the start as they should be (pkg/registry/flowcontrol). */
import type { FlowSchema, PriorityLevelConfiguration } from '@keelson/api/generated/types/flowcontrol/v1';
import type { KubeObject } from '@keelson/api/object';
import type { Logger } from '@keelson/component/logs/logger';
import type { HealthChecks } from '../health/checks.ts';
import type { RegistryClient } from './client.ts';
import {
  bootstrapFlowSchemas,
  bootstrapPriorityLevels,
  FLOW_CONTROL_MANAGER,
  isLeftOver,
  reconcileFlowControl,
} from './flowcontrol.ts';
import { Periodic } from './periodic.ts';
import { ensure } from './reconcile.ts';

const INTERVAL_MS = 60_000;
const VERSION = 'flowcontrol.apiserver.k8s.io/v1';

export class FlowControlUpkeep {
  readonly #client: RegistryClient;
  readonly #periodic: Periodic;

  constructor(client: RegistryClient, logger: Logger) {
    this.#client = client.managedBy(FLOW_CONTROL_MANAGER);
    this.#periodic = new Periodic(
      () => this.ensure(),
      INTERVAL_MS,
      (error) => logger.warn({ error: String(error) }, 'flow schemas and priority levels were not put right'),
    );
  }

  /** Resolves when all objects are there. @throws StatusError, StoreUnavailableError */
  async start(health: HealthChecks): Promise<void> {
    const produced = health.addBootHook('priority-and-fairness-config-producer');
    await this.#periodic.start();
    produced();
  }

  stop(): Promise<void> {
    return this.#periodic.stop();
  }

  /** Creates what is missing, puts right what nobody has taken over, and removes what an older server had. */
  async ensure(): Promise<void> {
    const client = this.#client;
    const put = <T extends FlowSchema | PriorityLevelConfiguration>(desired: readonly T[]): Promise<unknown> =>
      Promise.all(desired.map((object) => ensure(client, object, reconcileFlowControl)));
    await put(bootstrapPriorityLevels);
    await put(bootstrapFlowSchemas);
    await this.#removeLeftOver('FlowSchema', bootstrapFlowSchemas);
    await this.#removeLeftOver('PriorityLevelConfiguration', bootstrapPriorityLevels);
  }

  async #removeLeftOver(kind: string, wanted: readonly (FlowSchema | PriorityLevelConfiguration)[]): Promise<void> {
    const names = new Set(wanted.map(({ metadata }) => metadata.name));
    const live = await this.#client.list(VERSION, kind);
    const leftOver = live.filter((object) => !names.has(object.metadata.name) && isLeftOver(object));
    for (const object of leftOver) {
      const plan = (_: KubeObject, found: KubeObject | undefined) =>
        found && isLeftOver(found) ? [{ type: 'delete', object: found } as const] : [];
      await ensure(this.#client, object, plan);
    }
  }
}
