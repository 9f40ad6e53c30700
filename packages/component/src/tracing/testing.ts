/** A collector of traces for tests. */
import { RpcServer } from '../grpc/server.ts';
import { type AnyValue, type KeyValue, type OtlpSpan, traceService } from './messages.ts';

export interface SeenSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parent: string;
  readonly name: string;
  readonly kind: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** Ids of the traces. */
  readonly links: readonly string[];
  readonly status: number;
  readonly milliseconds: number;
}

export interface TestCollector {
  readonly spans: readonly SeenSpan[];
  /** Of who sends them. */
  readonly resource: Readonly<Record<string, unknown>>;
  stop(): void;
}

/** @param path of its socket */
export async function startCollector(path: string): Promise<TestCollector> {
  const spans: SeenSpan[] = [];
  const resource: Record<string, unknown> = {};
  const server = new RpcServer().add(traceService, {
    Export: ({ resourceSpans }) => {
      for (const each of resourceSpans) {
        Object.assign(resource, valuesOf(each.resource.attributes));
        for (const scope of each.scopeSpans) spans.push(...scope.spans.map(seen));
      }
      return {};
    },
  });
  await server.listen(path);
  return { spans, resource, stop: () => server.stop() };
}

function seen(span: OtlpSpan): SeenSpan {
  const [start, end] = [Number(span.startTimeUnixNano), Number(span.endTimeUnixNano)];
  return {
    traceId: span.traceId.toString('hex'),
    spanId: span.spanId.toString('hex'),
    parent: span.parentSpanId.toString('hex'),
    name: span.name,
    kind: span.kind,
    attributes: valuesOf(span.attributes),
    links: span.links.map(({ traceId }) => traceId.toString('hex')),
    status: span.status?.code ?? 0,
    milliseconds: (end - start) / 1e6,
  };
}

function valuesOf(attributes: readonly KeyValue[]): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, plain(value)]));
}

function plain({ stringValue, intValue, boolValue, doubleValue, arrayValue }: AnyValue): unknown {
  return stringValue ?? intValue ?? boolValue ?? doubleValue ?? arrayValue?.values.map(plain);
}
