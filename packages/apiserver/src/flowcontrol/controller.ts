/**
 * Priority and fairness put together: from configuration objects to levels and classes, and from a request to its turn
 * (apiserver/pkg/util/flowcontrol/apf_controller.go). Told of the configuration by consumer.ts.
 */
import type { Clock } from '@keelson/api/clock';
import type { FlowSchema, PriorityLevelConfiguration } from '@keelson/api/generated/types/flowcontrol/v1';
import type { Logger } from '@keelson/component/logs/logger';
import { bootstrapFlowSchemas, bootstrapPriorityLevels } from '../bootstrap/flowcontrol.ts';
import type { UserInfo } from '../registry/strategy.ts';
import type { RequestInfo } from '../requestinfo.ts';
import { Classifier } from './classify.ts';
import { Concurrency } from './concurrency.ts';
import { FlowClass } from './flowclass.ts';
import { disciplineOf, EXEMPT, PriorityLevel } from './level.ts';
import { adjust, maxSeatsPerRequest, nextDemand, nominalLimits } from './limits.ts';
import { type Asked, FlowRequest, type Outcome, type Tally } from './request.ts';
import type { Work } from './work.ts';

const CATCH_ALL = 'catch-all';
const MANDATORY = [EXEMPT, CATCH_ALL];
const ADJUSTMENT_MS = 10_000;

export interface FlowControllerOptions {
  /** Its time may have fractions of milliseconds, and must not go backwards. */
  readonly clock: Clock;
  /** Requests that the server serves at once, the exempt apart. */
  readonly serverSeats: number;
  readonly logger: Logger;
}

export class FlowController {
  readonly #options: FlowControllerOptions;
  readonly #clock: Clock;
  #levels = new Map<string, PriorityLevel>();
  #classifier!: Classifier<FlowClass>;
  #configuration: { levels: readonly PriorityLevelConfiguration[]; schemas: readonly FlowSchema[] } = {
    levels: [],
    schemas: [],
  };
  /** Names of the levels that have objects. */
  #configured: ReadonlySet<string> = new Set();
  readonly concurrency: Concurrency;
  /** By level and schema; they outlive both, as counters must. */
  readonly #tallies = new Map<string, Tally>();
  #fairFraction = 0;
  #stopAdjusting: (() => void) | undefined;

  /** Begins with the mandatory objects as they are built in. */
  constructor(options: FlowControllerOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.concurrency = new Concurrency(this.#clock.now());
    this.configure([], []);
  }

  get levels(): Iterable<PriorityLevel> {
    return this.#levels.values();
  }
  get classes(): readonly FlowClass[] {
    return this.#classifier.classes;
  }
  get tallies(): Iterable<Tally> {
    return this.#tallies.values();
  }
  /** Milliseconds. */
  now(): number {
    return this.#clock.now();
  }
  get fairFraction(): number {
    return this.#fairFraction;
  }

  /** Lends seats between levels every ten seconds. @returns stop */
  run(): () => void {
    const again = (): void => {
      this.#stopAdjusting = this.#clock.after(
        ADJUSTMENT_MS,
        () => {
          this.adjust();
          again();
        },
        { background: true },
      );
    };
    again();
    return () => this.#stopAdjusting?.();
  }

  /** Replaces the whole configuration. Levels that are gone are kept until their requests have ended. */
  configure(levels: readonly PriorityLevelConfiguration[], schemas: readonly FlowSchema[]): void {
    this.#configuration = { levels, schemas };
    const now = this.#clock.now();
    const next = new Map<string, PriorityLevel>();
    for (const object of levels) this.#use(object, next, now);
    this.#configured = new Set(next.keys());
    const usable = schemas.filter(({ spec }) => next.has(spec.priorityLevelConfiguration.name));
    for (const level of this.#levels.values()) this.#keepOld(level, next);
    for (const name of MANDATORY) if (!next.has(name)) this.#use(builtinLevel(name), next, now);
    this.#levels = next;
    this.#divide([...next.values()]);
    this.concurrency.limit([...next.values()], now);
    this.#classifier = this.#classifierOf(usable);
  }

  /** Whether a level of that name is configured, and makes sense. */
  hasLevel(name: string): boolean {
    return this.#configured.has(name);
  }

  /** Gives each level the seats that its demand since the last time deserves. */
  adjust(): void {
    const now = this.#clock.now();
    const levels = [...this.#levels.values()];
    for (const level of levels) level.demand = nextDemand(level.demand, level.queues.demand.reset(now));
    try {
      const adjusted = adjust(levels.map(({ isExempt, limits, demand }) => ({ exempt: isExempt, limits, demand })));
      this.#fairFraction = adjusted.fairFraction;
      for (const [i, level] of levels.entries()) Object.assign(level, adjusted.levels[i]);
    } catch (error) {
      this.#options.logger.error(
        { error: (error as Error).message },
        'seats could not be divided among priority levels',
      );
    }
    const denominator = Math.max(1, Math.round(this.#options.serverSeats / 10));
    for (const { queues, discipline, seats } of levels) queues.configure(discipline, seats, now, denominator);
  }

  classify(user: UserInfo, info: RequestInfo): FlowClass {
    return this.#classifier.classify(user, info);
  }

  /** The first step of a request; `await` its turn with `turn` where that is what comes out. */
  start({ level }: FlowClass, request: FlowRequest): Outcome {
    const outcome = level.queues.start(request, request.arrivedAt);
    if (outcome !== 'executing' && outcome !== 'waiting') level.dropped.record(this.#clock.now());
    return outcome;
  }

  request(flowClass: FlowClass, asked: Asked, work: Work): FlowRequest {
    return new FlowRequest(asked, flowClass.tally, flowClass.flowOf(asked), work, this.#clock.now());
  }

  /**
   * Waits until the request may be served.
   * @param waitMs no longer than that
   * @param onGone is given what to call when the client has gone away
   */
  turn(
    { level }: FlowClass,
    request: FlowRequest,
    waitMs: number,
    onGone: (gone: () => void) => void,
  ): Promise<'executing' | 'time-out'> {
    return new Promise((resolve) => {
      const giveUp = (): void => {
        if (!level.queues.cancel(request, this.#clock.now())) return;
        stopTimer();
        level.dropped.record(this.#clock.now());
        resolve('time-out');
        this.#reap(level);
      };
      const stopTimer = this.#clock.after(Math.max(0, waitMs), giveUp);
      request.onTurn = () => {
        stopTimer();
        resolve('executing');
      };
      onGone(giveUp);
    });
  }

  /** To be called once for what was served. @returns milliseconds that it took */
  finish({ level }: FlowClass, request: FlowRequest): number {
    const now = this.#clock.now();
    const lingerMs = level.queues.finish(request, now);
    if (lingerMs > 0) {
      this.#clock.after(lingerMs, () => level.queues.release(request, this.#clock.now()), { background: true });
    }
    this.#reap(level);
    return now - request.startedAt;
  }

  #reap(level: PriorityLevel): void {
    if (level.quiescing && level.queues.idle) {
      this.configure(this.#configuration.levels, this.#configuration.schemas);
    }
  }

  #use(object: PriorityLevelConfiguration, into: Map<string, PriorityLevel>, now: number): void {
    const discipline = disciplineOf(object);
    if (discipline === undefined) {
      this.#options.logger.warn({ name: object.metadata.name }, 'priority level configuration makes no sense, ignored');
      return;
    }
    const level = this.#levels.get(object.metadata.name ?? '') ?? new PriorityLevel(object, discipline, now);
    level.object = object;
    level.discipline = discipline;
    level.quiescing = false;
    into.set(level.name, level);
  }

  #keepOld(level: PriorityLevel, next: Map<string, PriorityLevel>): void {
    if (next.has(level.name)) return;
    if (!MANDATORY.includes(level.name)) {
      if (level.queues.idle) return;
      level.quiescing = true;
    }
    next.set(level.name, level);
  }

  #divide(levels: readonly PriorityLevel[]): void {
    const limits = nominalLimits(
      this.#options.serverSeats,
      levels.map(({ object }) => object.spec),
    );
    for (const [i, level] of levels.entries()) {
      level.limits = limits[i]!;
      const { discipline } = level;
      if (discipline.kind === 'queue') level.maxSeats = maxSeatsPerRequest(level.limits.nominal, discipline.handSize);
      if (level.seats === 0)
        level.seats = level.limits.nominal - Math.floor((level.limits.nominal - level.limits.min) / 2);
    }
    this.adjust();
  }

  #classifierOf(usable: readonly FlowSchema[]): Classifier<FlowClass> {
    const has = (name: string): boolean => usable.some(({ metadata }) => metadata.name === name);
    const builtin = MANDATORY.filter((name) => !has(name)).map(builtinSchema);
    const classes = [...usable, ...builtin].map((schema) => {
      const level = this.#levels.get(schema.spec.priorityLevelConfiguration.name)!;
      return new FlowClass(schema, level, this.#tallyOf(level.name, schema.metadata.name ?? ''));
    });
    return new Classifier(classes, classes.find(({ name }) => name === CATCH_ALL)!);
  }

  #tallyOf(level: string, schema: string): Tally {
    const key = `${level}/${schema}`;
    let tally = this.#tallies.get(key);
    if (tally === undefined) {
      const refused = { 'concurrency-limit': 0, 'queue-full': 0, 'time-out': 0 };
      const none = { waiting: 0, seatsWaiting: 0, executing: 0, seatsInUse: 0, dispatched: 0, noAccommodation: 0 };
      tally = { schema, level, refused, ...none };
      this.#tallies.set(key, tally);
    }
    return tally;
  }
}

function builtinLevel(name: string): PriorityLevelConfiguration {
  return bootstrapPriorityLevels.find(({ metadata }) => metadata.name === name)!;
}

function builtinSchema(name: string): FlowSchema {
  return bootstrapFlowSchemas.find(({ metadata }) => metadata.name === name)!;
}
