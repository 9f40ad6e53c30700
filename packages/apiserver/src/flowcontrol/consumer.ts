/**
 * Keeps the controller in step with the stored FlowSchemas and PriorityLevelConfigurations, and each schema's condition
 * `Dangling` in step with whether its level exists.
 */
import type { Clock } from '@keelson/api/clock';
import { StatusError } from '@keelson/api/errors';
import type { FlowSchema, PriorityLevelConfiguration } from '@keelson/api/generated/types/flowcontrol/v1';
import type { KubeObject } from '@keelson/api/object';
import { formatTime } from '@keelson/api/time';
import type { Logger } from '@keelson/component/logs/logger';
import { follow } from '../registry/follow.ts';
import type { ResourceStore } from '../registry/store.ts';
import type { FlowController } from './controller.ts';

/** Who owns the condition. */
export const CONFIG_CONSUMER = 'api-priority-and-fairness-config-consumer-v1';

const UPDATES_PER_MINUTE = 6;
const RETRY_MS = 200;
const MAX_RETRY_MS = 60_000;

export interface ConfigConsumerOptions {
  readonly controller: FlowController;
  readonly levels: ResourceStore;
  readonly schemas: ResourceStore;
  /** Server-side apply to the status, as {@link CONFIG_CONSUMER}. */
  readonly applyStatus: (config: KubeObject) => Promise<void>;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly logger: Logger;
}

export class ConfigConsumer {
  readonly #options: ConfigConsumerOptions;
  readonly #levels = new Map<string, PriorityLevelConfiguration>();
  readonly #schemas = new Map<string, FlowSchema>();
  /** When the conditions of a schema were written lately. */
  readonly #updates = new Map<string, number[]>();
  readonly #stops: (() => void)[] = [];
  #started = false;
  #keepsConditions = false;
  #stopped = false;
  #pending = false;
  #cancelRetry: (() => void) | undefined;
  #failures = 0;

  constructor(options: ConfigConsumerOptions) {
    this.#options = options;
  }

  /** Resolves when the stored configuration is in use. */
  async start(): Promise<void> {
    const { levels, schemas } = this.#options;
    this.#stops.push(
      ...(await Promise.all([
        follow(levels, this.#follower(this.#levels)),
        follow(schemas, this.#follower(this.#schemas)),
      ])),
    );
    this.#started = true;
    this.#configure();
  }

  /** From here on conditions are written. Resolves when those that are wrong now have been. */
  async keepConditions(): Promise<void> {
    this.#keepsConditions = true;
    await this.#sync();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelRetry?.();
    for (const stop of this.#stops) stop();
  }

  #follower<T>(into: Map<string, T>) {
    return {
      set: (object: unknown): void => {
        into.set((object as KubeObject).metadata.name ?? '', object as T);
        this.#soon();
      },
      delete: (_namespace: string, name: string): void => {
        into.delete(name);
        this.#soon();
      },
    };
  }

  /** Many changes at once are one. */
  #soon(): void {
    if (!this.#started || this.#pending) return;
    this.#pending = true;
    setImmediate(() => {
      this.#pending = false;
      if (!this.#stopped) this.#sync();
    });
  }

  #configure(): void {
    this.#options.controller.configure([...this.#levels.values()], [...this.#schemas.values()]);
  }

  async #sync(): Promise<void> {
    const { clock, logger } = this.#options;
    this.#configure();
    if (!this.#keepsConditions) return;
    const stale = [...this.#schemas.values()].flatMap((schema) => this.#staleCondition(schema) ?? []);
    const due = stale.filter((config) => this.#mayUpdate(config.metadata.name ?? ''));
    const results = await Promise.allSettled(due.map((config) => this.#apply(config)));
    const failures = results.flatMap((r) => (r.status === 'rejected' ? String(r.reason) : []));
    this.#cancelRetry?.();
    if (this.#stopped) return;
    if (failures.length > 0) {
      logger.warn({ failures }, 'conditions of flow schemas were not written');
      const wait = Math.min(RETRY_MS * 2 ** this.#failures++, MAX_RETRY_MS);
      this.#cancelRetry = clock.after(wait, () => this.#soon(), { background: true });
      return;
    }
    this.#failures = 0;
    if (due.length === stale.length) return;
    // Two servers that disagree must not write against each other without end.
    const wait = (30 + Math.floor(this.#options.random() * 45)) * 1000;
    this.#cancelRetry = clock.after(wait, () => this.#soon(), { background: true });
  }

  /** What to apply; undefined where the condition is right. */
  #staleCondition({ metadata, spec, status }: FlowSchema): KubeObject | undefined {
    const level = spec.priorityLevelConfiguration.name;
    const subject = `This FlowSchema references the PriorityLevelConfiguration object named ${JSON.stringify(level)}`;
    const wanted = this.#options.controller.hasLevel(level)
      ? { status: 'False', reason: 'Found', message: `${subject} and it exists` }
      : { status: 'True', reason: 'NotFound', message: `${subject} but there is no such object` };
    const current = status?.conditions?.find(({ type }) => type === 'Dangling');
    const isRight =
      current?.status === wanted.status && current.reason === wanted.reason && current.message === wanted.message;
    if (isRight) return undefined;
    const lastTransitionTime = formatTime(new Date(this.#options.clock.now()));
    return {
      kind: 'FlowSchema',
      apiVersion: 'flowcontrol.apiserver.k8s.io/v1',
      metadata: { name: metadata.name ?? '' },
      status: { conditions: [{ type: 'Dangling', ...wanted, lastTransitionTime }] },
    };
  }

  #mayUpdate(name: string): boolean {
    const now = this.#options.clock.now();
    const recent = (this.#updates.get(name) ?? []).filter((at) => now - at <= 60_000);
    if (recent.length >= UPDATES_PER_MINUTE) return false;
    this.#updates.set(name, [...recent, now]);
    return true;
  }

  async #apply(config: KubeObject): Promise<void> {
    try {
      await this.#options.applyStatus(config);
    } catch (error) {
      // It has been deleted meanwhile.
      if (!(error instanceof StatusError && error.code === 404)) throw error;
    }
  }
}
