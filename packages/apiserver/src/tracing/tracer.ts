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
import type { RequestContext } from '../context.ts';
import { type Attributes, answerOf, type Span, serverOf, type TraceHeaders, type Tracing } from './index.ts';

export interface TracerOptions {
  readonly samplingRatePerMillion: number;
  readonly exporter: SpanExporter;
  /** Of this API server. */
  readonly identity: string;
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

  constructor({ samplingRatePerMillion: rate, exporter, identity }: TracerOptions) {
    // Who asks decides, where he has; else so many of a million.
    const root = rate > 0 ? new TraceIdRatioBasedSampler(rate / MILLION) : new AlwaysOffSampler();
    this.#provider = new TracerProvider({
      sampler: new ParentBasedSampler({ root }),
      spanProcessors: [new BatchSpanProcessor({ exporter })],
      resource: resourceFromAttributes({ 'service.name': 'apiserver', 'service.instance.id': identity }),
    });
    this.#tracer = this.#provider.getTracer('keelson/apiserver');
  }

  async request(name: string, ctx: RequestContext, isTrusted: boolean, run: () => Promise<void>): Promise<void> {
    const { exchange } = ctx;
    const remote = this.#propagator.extract(ROOT_CONTEXT, exchange.headers, defaultTextMapGetter);
    const theirs = trace.getSpanContext(remote);
    const span = this.#tracer.startSpan(
      name,
      {
        kind: SpanKind.SERVER,
        attributes: requestAttributes(ctx),
        startTime: ctx.receivedAt,
        ...(isTrusted || !theirs ? {} : { root: true, links: [{ context: theirs }] }),
      },
      remote,
    );
    const going = { context: trace.setSpan(remote, span), isOver: false };
    // A watch goes on after the handler; what a client hangs up on is over, too.
    exchange.onClose(() => {
      span.setAttributes(answerOf(exchange));
      if (exchange.status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
      span.end();
      going.isOver = true;
    });
    return this.#current.run(going, run);
  }

  within<T>(name: string, attributes: Attributes, run: (span: Span) => Promise<T>): Promise<T> {
    const parent = this.#parent();
    return parent ? this.#run(name, SpanKind.INTERNAL, attributes, parent, run) : run(NOBODY);
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

/** Of upstream's otelhttp, with what it adds itself. */
function requestAttributes({ exchange, auditId, info }: RequestContext): Attributes {
  const authority = exchange.headers[':authority'] ?? exchange.headers.host;
  return {
    ...serverOf(text(authority) ?? ''),
    'http.request.method': exchange.method,
    'url.scheme': 'https',
    'network.peer.address': exchange.remoteAddress,
    'user_agent.original': text(exchange.headers['user-agent']),
    'client.address': exchange.remoteAddress,
    'url.path': info.path,
    'network.protocol.version': exchange.httpVersion,
    'http.target': exchange.url,
    'audit-id': auditId,
  };
}

const text = (value: string | string[] | undefined): string | undefined =>
  typeof value === 'string' ? value : undefined;
