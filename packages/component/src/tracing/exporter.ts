/** Sends what is over to a collector: OTLP over gRPC. */

import type { Attributes, AttributeValue } from '@opentelemetry/api';
import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';
import { RpcClient } from '../grpc/client.ts';
import type { Logger } from '../logs/logger.ts';
import { type AnyValue, type ExportRequest, type KeyValue, type OtlpSpan, traceService } from './messages.ts';

const TIMEOUT_MS = 10_000;

export class OtlpExporter implements SpanExporter {
  readonly #client: RpcClient;
  readonly #logger: Logger;
  readonly #onClose: () => Promise<void>;

  /** @param target as gRPC's library names servers. @param onClose ends what leads there */
  constructor(target: string, logger: Logger, onClose = async () => {}) {
    this.#client = new RpcClient(target);
    this.#logger = logger;
    this.#onClose = onClose;
  }

  /** What cannot be sent is dropped. */
  export(spans: ReadableSpan[], done: (result: ExportResult) => void): void {
    this.#client.call(traceService, 'Export', requestOf(spans), { timeoutMs: TIMEOUT_MS }).then(
      () => done({ code: ExportResultCode.SUCCESS }),
      (error: Error) => {
        this.#logger.warn({ error: error.message, spans: spans.length }, 'traces were not sent');
        done({ code: ExportResultCode.SUCCESS });
      },
    );
  }

  async shutdown(): Promise<void> {
    this.#client.close();
    await this.#onClose();
  }
}

function requestOf(spans: readonly ReadableSpan[]): ExportRequest {
  const byScope = Map.groupBy(spans, ({ instrumentationScope }) => instrumentationScope.name);
  const scopeSpans = [...byScope].map(([name, all]) => ({ scope: { name }, spans: all.map(otlpSpan) }));
  return { resourceSpans: [{ resource: { attributes: keyValues(spans[0]?.resource.attributes ?? {}) }, scopeSpans }] };
}

function otlpSpan(span: ReadableSpan): OtlpSpan {
  const { traceId, spanId, traceState } = span.spanContext();
  return {
    traceId: Buffer.from(traceId, 'hex'),
    spanId: Buffer.from(spanId, 'hex'),
    traceState: traceState?.serialize() ?? '',
    parentSpanId: Buffer.from(span.parentSpanContext?.spanId ?? '', 'hex'),
    name: span.name,
    // OTLP has one more before the first.
    kind: span.kind + 1,
    startTimeUnixNano: nanoseconds(span.startTime),
    endTimeUnixNano: nanoseconds(span.endTime),
    attributes: keyValues(span.attributes),
    links: span.links.map(({ context }) => ({
      traceId: Buffer.from(context.traceId, 'hex'),
      spanId: Buffer.from(context.spanId, 'hex'),
    })),
    status: { code: span.status.code, message: span.status.message ?? '' },
  };
}

const nanoseconds = ([seconds, rest]: readonly [number, number]): string =>
  String(BigInt(seconds) * 1_000_000_000n + BigInt(Math.round(rest)));

function keyValues(attributes: Attributes): KeyValue[] {
  return Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined ? [] : [{ key, value: anyValue(value) }],
  );
}

function anyValue(value: AttributeValue): AnyValue {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'number') return Number.isInteger(value) ? { intValue: value } : { doubleValue: value };
  return { arrayValue: { values: value.flatMap((item) => (item == null ? [] : [anyValue(item)])) } };
}
