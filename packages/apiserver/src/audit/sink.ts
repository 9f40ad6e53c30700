/** Where audit events go, and how they are held back, cut and gathered on their way (apiserver/plugin/pkg/audit). */
import type { Clock } from '@keelson/api/clock';
import type { AuditEvent } from './event.ts';

export interface AuditSink {
  /** Resolves when the event is where it belongs. @throws Error when it cannot be stored and the request must not go on */
  process(event: AuditEvent): Promise<void>;
  /** Writes what is held back. Nothing comes after that. */
  close(): Promise<void>;
}

/** Text that is appended somewhere. */
export interface LineWriter {
  write(text: string): Promise<void>;
  close(): Promise<void>;
}

export interface LogSinkOptions {
  readonly writer: LineWriter;
  readonly format: 'json' | 'legacy';
  /** blocking-strict: a request whose arrival cannot be written is refused. */
  readonly mode: 'batch' | 'blocking' | 'blocking-strict';
  readonly batch: {
    /** Events that wait; more are dropped. */
    readonly bufferSize: number;
    readonly maxSize: number;
    readonly maxWaitMs: number;
    /** Batches per second, and how many at once after a pause. */
    readonly throttle?: { readonly qps: number; readonly burst: number };
  };
  readonly truncate?: { readonly maxEventBytes: number };
  readonly clock: Clock;
  readonly onError: (error: Error) => void;
}

/** A sink that writes lines. */
export function logSink(options: LogSinkOptions): AuditSink {
  return options.mode === 'batch' ? new BatchingSink(options) : new BlockingSink(options);
}

class BlockingSink implements AuditSink {
  readonly #options: LogSinkOptions;

  constructor(options: LogSinkOptions) {
    this.#options = options;
  }

  async process(event: AuditEvent): Promise<void> {
    const { writer, mode, onError } = this.#options;
    try {
      const line = lineOf(event, this.#options);
      if (line !== undefined) await writer.write(line);
    } catch (error) {
      onError(error as Error);
      if (mode === 'blocking-strict') throw error;
    }
  }

  close(): Promise<void> {
    return this.#options.writer.close();
  }
}

class BatchingSink implements AuditSink {
  readonly #options: LogSinkOptions;
  #buffer: AuditEvent[] = [];
  #writing: Promise<void> | undefined;
  #cancelTimer: (() => void) | undefined;
  #tokens: number;
  #tokensAt: number;
  #closing = false;

  constructor(options: LogSinkOptions) {
    this.#options = options;
    this.#tokens = options.batch.throttle?.burst ?? 0;
    this.#tokensAt = options.clock.now();
  }

  async process(event: AuditEvent): Promise<void> {
    const { bufferSize, maxSize, maxWaitMs } = this.#options.batch;
    if (this.#buffer.length >= bufferSize) {
      this.#options.onError(new Error('audit buffer queue blocked'));
      return;
    }
    this.#buffer.push(event);
    if (this.#buffer.length >= maxSize) this.#flush();
    else this.#cancelTimer ??= this.#options.clock.after(maxWaitMs, () => this.#flush(), { background: true });
  }

  async close(): Promise<void> {
    this.#closing = true;
    this.#flush();
    await this.#writing;
    await this.#options.writer.close();
  }

  #flush(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#writing ??= this.#drain().finally(() => {
      this.#writing = undefined;
    });
  }

  async #drain(): Promise<void> {
    const { batch, writer, onError } = this.#options;
    while (this.#buffer.length > 0) {
      await this.#token();
      const events = this.#buffer.splice(0, batch.maxSize);
      const lines = events.flatMap((event) => this.#line(event) ?? []);
      if (lines.length > 0) await writer.write(lines.join('')).catch(onError);
    }
  }

  #line(event: AuditEvent): string | undefined {
    try {
      return lineOf(event, this.#options);
    } catch (error) {
      this.#options.onError(error as Error);
      return undefined;
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

/** @throws Error when the event is too large even without request and response */
function lineOf(event: AuditEvent, { format, truncate }: LogSinkOptions): string | undefined {
  if (format === 'legacy') return event.legacy();
  const line = event.json();
  if (truncate === undefined || Buffer.byteLength(line) <= truncate.maxEventBytes) return line;
  const cut = event.withoutBodies().json();
  if (Buffer.byteLength(cut) > truncate.maxEventBytes) throw new Error('event is too large even after truncating');
  return cut;
}
