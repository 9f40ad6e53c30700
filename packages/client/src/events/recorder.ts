/** Tells the cluster what happens to objects. Never waits, never fails; what is too much is dropped. */
import { randomUUID } from 'node:crypto';
import { hasReason, StatusError } from '@keelson/api/errors';
import type { ObjectReference } from '@keelson/api/generated/types/core/v1';
import type { TypedObject } from '@keelson/api/object';
import { nameIsDNSSubdomain } from '@keelson/api/validation/names';
import type { Logger } from '@keelson/component/logs/logger';
import type { Client } from '../rest/client.ts';
import { keyOf, type ResourceClient } from '../rest/resource.ts';
import { sleep } from '../world.ts';
import { Correlator } from './correlator.ts';
import type { Source, Teller, Telling } from './occurrence.ts';
import { SeriesTeller } from './series.ts';

export interface EventRecorder {
  /**
   * @param regarding an object with kind and apiVersion, as the client reads them, or a reference to one
   * @param reason one word in upper camel case
   */
  event(
    regarding: TypedObject | { reference: ObjectReference },
    type: 'Normal' | 'Warning',
    reason: string,
    message: string,
    more?: EventDetails,
  ): void;
}

export interface EventDetails {
  readonly action?: string;
  readonly related?: TypedObject | { reference: ObjectReference };
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface RecorderOptions {
  readonly client: Client;
  readonly source: Source;
  /** The scheduler tells in `events.k8s.io/v1`, the others in `v1`. */
  readonly api: 'v1' | 'events.k8s.io/v1';
  /** For events whose objects have names that events cannot have. */
  readonly newId?: () => string;
}

/** As client-go. */
const MAX_TRIES = 12;
const PAUSE_MS = 10_000;
/** Of a millisecond. */
const NANOSECONDS = 1_000_000n;

export class ApiEventRecorder implements EventRecorder {
  readonly #options: RecorderOptions;
  readonly #teller: Teller;
  readonly #events: ResourceClient<{ metadata: TypedObject['metadata'] }>;
  readonly #queue: Telling[] = [];
  readonly #stop = new AbortController();
  readonly #workers = new Set<Promise<void>>();
  /** Of the workers, those that will look at the queue once more. */
  #working = 0;
  /** What is being told of an event, by its name: what is new about it comes after the event itself. */
  readonly #underWay = new Map<string, Promise<void>>();
  /** Since as many wait as may; said when the first one is dropped, and when none waits any more. */
  #dropped = 0;
  /** Begins anywhere: other recorders name events of the same moment. */
  #serial: bigint;
  #cancelHousekeeping = () => {};

  constructor(options: RecorderOptions) {
    this.#options = options;
    const { client, source, api } = options;
    const { clock, random } = client.world;
    this.#serial = BigInt(Math.floor(random() * Number(NANOSECONDS)));
    this.#teller = api === 'v1' ? new Correlator(source, clock) : new SeriesTeller(source, clock);
    this.#events = client.resource<{ metadata: TypedObject['metadata'] }>(
      client.resource(this.#teller.resource).definition,
    );
    this.#scheduleHousekeeping();
  }

  event(
    regarding: TypedObject | { reference: ObjectReference },
    type: 'Normal' | 'Warning',
    reason: string,
    message: string,
    { action = '', related, annotations }: EventDetails = {},
  ): void {
    const about = referenceTo(regarding);
    const { clock } = this.#options.client.world;
    if (about.kind === undefined) {
      this.#log.error({ name: about.name, reason, message }, 'No event about an object of unknown kind');
      return;
    }
    const at = clock.now();
    const name = this.#nameFor(about, at);
    const others = { action, related: related && referenceTo(related), annotations };
    const telling = this.#teller.tell({ regarding: about, type, reason, message, at, name, ...others });
    if (telling) this.#enqueue(telling);
  }

  /** Resolves when what was recorded so far is told, or given up. */
  async flush(): Promise<void> {
    await Promise.all(this.#workers);
  }

  /** What is not told yet is not told any more. */
  stop(): void {
    this.#cancelHousekeeping();
    this.#stop.abort(new Error('the recorder was stopped'));
  }

  get #log(): Logger {
    return this.#options.client.world.log;
  }

  #enqueue(telling: Telling): void {
    if (this.#stop.signal.aborted) return;
    if (this.#queue.length >= this.#teller.maxQueued) {
      const { name } = telling.event.metadata;
      if (this.#dropped++ === 0)
        this.#log.warn({ event: name }, 'Too many events wait to be recorded: more are dropped');
      return;
    }
    this.#queue.push(telling);
    if (this.#working < this.#teller.atOnce) this.#startWorker();
  }

  #startWorker(): void {
    this.#working += 1;
    const worker = this.#work().finally(() => this.#workers.delete(worker));
    this.#workers.add(worker);
  }

  async #work(): Promise<void> {
    for (let telling = this.#queue.shift(); telling && !this.#stop.signal.aborted; telling = this.#queue.shift()) {
      const name = telling.event.metadata.name!;
      const told = this.#sendAfter(this.#underWay.get(name), telling);
      this.#underWay.set(name, told);
      await told;
      if (this.#underWay.get(name) === told) this.#underWay.delete(name);
    }
    this.#working -= 1;
    if (this.#working > 0) return;
    if (this.#dropped > 0) this.#log.warn({ dropped: this.#dropped }, 'Events were dropped, as too many waited');
    this.#dropped = 0;
  }

  async #sendAfter(before: Promise<void> | undefined, telling: Telling): Promise<void> {
    await before;
    try {
      await this.#send(telling);
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      this.#log.warn({ event: telling.event.metadata.name, error }, 'Could not record an event');
    }
  }

  /** Tries again while the server cannot be reached; what it refuses stays refused. */
  async #send(telling: Telling): Promise<void> {
    const { clock, random } = this.#options.client.world;
    for (let tries = 1; ; tries++) {
      try {
        await this.#write(telling);
        return;
      } catch (error) {
        if (error instanceof StatusError || tries >= MAX_TRIES) throw error;
        await sleep(clock, tries === 1 ? PAUSE_MS * random() : PAUSE_MS, this.#stop.signal);
      }
    }
  }

  async #write({ event, patch }: Telling): Promise<void> {
    const { signal } = this.#stop;
    if (patch) {
      try {
        await this.#events.patch(keyOf(event), 'strategic', patch, { signal });
        return;
      } catch (error) {
        if (!hasReason(error, 'NotFound')) throw error;
      }
    }
    await this.#events.create(event, { signal });
  }

  /** `web.18a3f0c2d1e4b5a6`: the object's name and the time in nanoseconds, told apart within the clock's steps. */
  #nameFor({ name = '' }: ObjectReference, at: number): string {
    this.#serial = (this.#serial + 1n) % NANOSECONDS;
    const nanoseconds = BigInt(Math.floor(at)) * NANOSECONDS + this.#serial;
    const full = `${name}.${nanoseconds.toString(16)}`;
    return nameIsDNSSubdomain(full, false).length === 0 ? full : (this.#options.newId ?? randomUUID)();
  }

  #scheduleHousekeeping(): void {
    const { housekeeping } = this.#teller;
    if (!housekeeping) return;
    const keep = () => {
      for (const telling of housekeeping.due()) this.#enqueue(telling);
      this.#scheduleHousekeeping();
    };
    this.#cancelHousekeeping = this.#options.client.world.clock.after(housekeeping.everyMs, keep, { background: true });
  }
}

function referenceTo(object: TypedObject | { reference: ObjectReference }): ObjectReference {
  if ('reference' in object) return object.reference;
  const { kind, apiVersion, metadata } = object;
  const { namespace, name, uid, resourceVersion } = metadata;
  const given = { kind, namespace, name, uid, apiVersion, resourceVersion };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}
