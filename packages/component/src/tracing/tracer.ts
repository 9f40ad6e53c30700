/** Traces by OpenTelemetry's SDK, which is loaded with this module: only where traces are wanted. */
import { AsyncLocalStorage } from 'node:async_hooks';
import {
  type Context,
  defaultTextMapGetter,
  defaultTextMapSetter,
  type Span as OtelSpan,
  type Tracer as OtelTracer,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type SpanExporter,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { Attributes, Span, TraceHeaders, Tracing } from './index.ts';

export interface TracerOptions {
  readonly samplingRatePerMillion: number;
  readonly exporter: SpanExporter;
  /** Names what makes the spans. */
  readonly scope: string;
  /** What tells this process from others. */
  readonly resource: Readonly<Record<string, string>>;
}

/** A request that came in. */
export interface Incoming {
  readonly headers: object;
  /** Whether its client's trace goes on; otherwise the new one is linked to it. */
  readonly isTrusted: boolean;
  readonly attributes: Attributes;
  readonly receivedAt: number | Date;
}

/** What is under way. What it has started may outlive it, such as a watch of the cache: that is no part of it. */
interface Going {
  readonly context: Context;
  isOver: boolean;
}

const MILLION = 1_000_000;

export class Tracer implements Tracing {
  readonly #provider: TracerProvider;
  readonly #tracer: OtelTracer;
  readonly #current = new AsyncLocalStorage<Going>();
  readonly #propagator = new CompositePropagator({
    propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()],
  });

  constructor({ samplingRatePerMillion: rate, exporter, scope, resource }: TracerOptions) {
    // Who asks decides, where he has; else so many of a million.
    const root = rate > 0 ? new TraceIdRatioBasedSampler(rate / MILLION) : new AlwaysOffSampler();
    this.#provider = new TracerProvider({
      sampler: new ParentBasedSampler({ root }),
      spanProcessors: [new BatchSpanProcessor({ exporter })],
      resource: resourceFromAttributes(resource),
    });
    this.#tracer = this.#provider.getTracer(scope);
  }

  /** @param run is given what is called when the request is over, which may be after it has ended */
  async serve(
    name: string,
    { headers, isTrusted, attributes, receivedAt }: Incoming,
    run: (over: (attributes: Attributes, failed: boolean) => void) => Promise<void>,
  ): Promise<void> {
    const remote = this.#propagator.extract(ROOT_CONTEXT, headers, defaultTextMapGetter);
    const theirs = trace.getSpanContext(remote);
    const span = this.#tracer.startSpan(
      name,
      {
        kind: SpanKind.SERVER,
        attributes,
        startTime: receivedAt,
        ...(isTrusted || !theirs ? {} : { root: true, links: [{ context: theirs }] }),
      },
      remote,
    );
    const going = { context: trace.setSpan(remote, span), isOver: false };
    const over = (answer: Attributes, failed: boolean) => {
      span.setAttributes(answer);
      if (failed) span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
      going.isOver = true;
    };
    return this.#current.run(going, run, over);
  }

  within<T>(name: string, attributes: Attributes, run: (span: Span) => Promise<T>): Promise<T> {
    const parent = this.#parent();
    return parent ? this.#run(name, SpanKind.INTERNAL, attributes, parent, run) : run(NOBODY);
  }

  root<T>(name: string, attributes: Attributes, run: (span: Span) => Promise<T>): Promise<T> {
    return this.#run(name, SpanKind.INTERNAL, attributes, this.#parent() ?? ROOT_CONTEXT, run);
  }

  call<T>(name: string, attributes: Attributes, run: (headers: TraceHeaders, span: Span) => Promise<T>): Promise<T> {
    const parent = this.#parent() ?? ROOT_CONTEXT;
    return this.#run(name, SpanKind.CLIENT, attributes, parent, (span, context) => {
      const headers: Record<string, string> = {};
      this.#propagator.inject(context, headers, defaultTextMapSetter);
      return run(headers, span);
    });
  }

  async close(): Promise<void> {
    await this.#provider.shutdown();
  }

  #parent(): Context | undefined {
    const going = this.#current.getStore();
    return going?.isOver ? undefined : going?.context;
  }

  async #run<T>(
    name: string,
    kind: SpanKind,
    attributes: Attributes,
    parent: Context,
    run: (span: Span, context: Context) => Promise<T>,
  ): Promise<T> {
    const span = this.#tracer.startSpan(name, { kind, attributes }, parent);
    const going = { context: trace.setSpan(parent, span), isOver: false };
    try {
      return await this.#current.run(going, run, spanOf(span), going.context);
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR, message: (error as Error).message });
      throw error;
    } finally {
      span.end();
      going.isOver = true;
    }
  }
}

const NOBODY: Span = { set() {}, fail() {} };

function spanOf(span: OtelSpan): Span {
  return {
    set: (attributes) => void span.setAttributes(attributes),
    fail: (message = '') => void span.setStatus({ code: SpanStatusCode.ERROR, message }),
  };
}
