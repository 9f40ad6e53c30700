/**
 * The way of audit events to where they are kept: cut where they are too large, then gathered into batches or waited for
 * (apiserver/plugin/pkg/audit/{truncate,buffered}, apiserver/pkg/server/options/audit.go).
 */
import type { Clock } from '@keelson/api/clock';
import { Rounds } from '@keelson/component/promises';
import type { AuditEvent } from './event.ts';

export interface AuditSink {
  /** Whoever asked has his answer when it is recorded, no sooner. */
  readonly blocks: boolean;
  /** Resolves when the event is where it belongs. @throws Error when it cannot be stored and the request must not go on */
  process(event: AuditEvent): Promise<void>;
  /** Writes what is held back. Nothing comes after that. */
  close(): Promise<void>;
}

/** Where events are kept: a log, a webhook. */
export interface AuditBackend {
  readonly name: string;
  /** Batches may be under way at the same time. */
  readonly concurrent: boolean;
  /** The event as this backend keeps it. */
  encode(event: AuditEvent): string;
  /** @throws Error when they could not be kept */
  send(encoded: readonly string[]): Promise<void>;
  /** No attempt is made again from here on. */
  hurry?(): void;
  close(): Promise<void>;
}

export interface BatchOptions {
  /** Events that wait; more are dropped. */
  readonly bufferSize: number;
  readonly maxSize: number;
  readonly maxWaitMs: number;
  /** Batches per second, and how many at once after a pause. */
  readonly throttle?: { readonly qps: number; readonly burst: number };
}

export interface SinkOptions {
  readonly backend: AuditBackend;
  /** blocking-strict: a request whose arrival cannot be written is refused. */
  readonly mode: 'batch' | 'blocking' | 'blocking-strict';
  readonly batch: BatchOptions;
  /** Bytes; a batch that is larger goes in parts. */
  readonly truncate?: { readonly maxEventBytes: number; readonly maxBatchBytes: number };
  readonly clock: Clock;
  readonly onLost: AuditLoss;
}

/** Events were not kept. @param plugin what failed. @param events how many */
export type AuditLoss = (plugin: string, error: Error, events: number) => void;

/** All events together that have not been kept yet; more are dropped. */
const MAX_HELD_BYTES = 256 * 1024 * 1024;

export function auditSink(options: SinkOptions): AuditSink {
  return options.mode === 'batch' ? new BatchingSink(options) : new BlockingSink(options);
}

/** Events go to all of them. */
export function allOf(sinks: readonly AuditSink[]): AuditSink {
  if (sinks.length === 1) return sinks[0]!;
  return {
    blocks: sinks.some(({ blocks }) => blocks),
    async process(event) {
      const outcomes = await Promise.allSettled(sinks.map((sink) => sink.process(event)));
      for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
    },
    async close() {
      await Promise.all(sinks.map((sink) => sink.close()));
    },
  };
}

class BlockingSink implements AuditSink {
  readonly blocks = true;
  readonly #options: SinkOptions;

  constructor(options: SinkOptions) {
    this.#options = options;
  }

  async process(event: AuditEvent): Promise<void> {
    const { backend, mode, onLost } = this.#options;
    const encoded = encode(event, this.#options);
    if (encoded === undefined) return;
    try {
      await backend.send([encoded]);
    } catch (error) {
      onLost(backend.name, error as Error, 1);
      if (mode === 'blocking-strict') throw error;
    }
  }

  close(): Promise<void> {
    return this.#options.backend.close();
  }
}

class BatchingSink implements AuditSink {
  readonly blocks = false;
  readonly #options: SinkOptions;
  #buffer: string[] = [];
  #heldBytes = 0;
  readonly #rounds = new Rounds(() => this.#drain());
  readonly #sending = new Set<Promise<void>>();
  #cancelTimer: (() => void) | undefined;
  #tokens: number;
  #tokensAt: number;
  #closing = false;

  constructor(options: SinkOptions) {
    this.#options = options;
    this.#tokens = options.batch.throttle?.burst ?? 0;
    this.#tokensAt = options.clock.now();
  }

  async process(event: AuditEvent): Promise<void> {
    const { batch, clock, onLost } = this.#options;
    const refuse = (why: string) => onLost('buffered', new Error(why), 1);
    if (this.#closing) return refuse('audit backend shut down');
    if (this.#buffer.length >= batch.bufferSize) return refuse('audit buffer queue blocked');
    const encoded = encode(event, this.#options);
    if (encoded === undefined) return;
    if (this.#heldBytes + encoded.length > MAX_HELD_BYTES) return refuse('audit buffer queue blocked');
    this.#heldBytes += encoded.length;
    this.#buffer.push(encoded);
    if (this.#buffer.length >= batch.maxSize) this.#flush();
    else this.#cancelTimer ??= clock.after(batch.maxWaitMs, () => this.#flush(), { background: true });
  }

  async close(): Promise<void> {
    const { backend } = this.#options;
    this.#closing = true;
    backend.hurry?.();
    this.#flush();
    await this.#rounds.idle();
    await Promise.all(this.#sending);
    await backend.close();
  }

  #flush(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#rounds.ask();
  }

  async #drain(): Promise<void> {
    const { batch, backend, truncate } = this.#options;
    while (this.#buffer.length > 0) {
      await this.#token();
      const events = this.#buffer.splice(0, batch.maxSize);
      const sent = this.#send(parts(events, truncate?.maxBatchBytes)).finally(() => this.#sending.delete(sent));
      this.#sending.add(sent);
      if (!backend.concurrent) await sent;
    }
  }

  /** Never rejects. */
  async #send(batches: readonly (readonly string[])[]): Promise<void> {
    const { backend, onLost } = this.#options;
    for (const events of batches) {
      await backend.send(events).catch((error: Error) => onLost(backend.name, error, events.length));
      for (const event of events) this.#heldBytes -= event.length;
    }
  }

  /** Waits until another batch may be written. */
  async #token(): Promise<void> {
    const { throttle } = this.#options.batch;
    const { clock } = this.#options;
    if (throttle === undefined || this.#closing) return;
    const now = clock.now();
    this.#tokens = Math.min(throttle.burst, this.#tokens + ((now - this.#tokensAt) / 1000) * throttle.qps);
    this.#tokensAt = now;
    this.#tokens--;
    if (this.#tokens >= 0) return;
    const ms = (-this.#tokens / throttle.qps) * 1000;
    await new Promise<void>((resolve) => clock.after(ms, resolve));
  }
}

function parts(events: readonly string[], maxBytes = Number.POSITIVE_INFINITY): string[][] {
  const batches: string[][] = [[]];
  let bytes = 0;
  for (const event of events) {
    const size = Buffer.byteLength(event);
    if (bytes > 0 && bytes + size > maxBytes) {
      batches.push([]);
      bytes = 0;
    }
    bytes += size;
    batches.at(-1)!.push(event);
  }
  return batches;
}

/** Undefined for an event that is too large even without request and response. */
function encode(event: AuditEvent, { backend, truncate, onLost }: SinkOptions): string | undefined {
  const whole = backend.encode(event);
  if (truncate === undefined || Buffer.byteLength(whole) <= truncate.maxEventBytes) return whole;
  const cut = event.level === 'Metadata' ? whole : backend.encode(event.withoutBodies());
  if (Buffer.byteLength(cut) <= truncate.maxEventBytes) return cut;
  onLost('truncate', new Error('event is too large even after truncating'), 1);
  return undefined;
}
