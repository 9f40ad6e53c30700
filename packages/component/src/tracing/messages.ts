/** Traces as OTLP sends them (opentelemetry-proto, version 1), as protobuf has them; what is never told is left out. */
import { Service } from '../grpc/service.ts';

const string = (id: number) => ({ type: 'string', id });
const bytes = (id: number) => ({ type: 'bytes', id });
const fixed64 = (id: number) => ({ type: 'fixed64', id });
const many = (type: string, id: number) => ({ rule: 'repeated', type, id });
const attributes = (id: number) => many('KeyValue', id);

const types = {
  KeyValue: { fields: { key: string(1), value: { type: 'AnyValue', id: 2 } } },
  AnyValue: {
    oneofs: { value: { oneof: ['stringValue', 'boolValue', 'intValue', 'doubleValue', 'arrayValue'] } },
    fields: {
      stringValue: string(1),
      boolValue: { type: 'bool', id: 2 },
      intValue: { type: 'int64', id: 3 },
      doubleValue: { type: 'double', id: 4 },
      arrayValue: { type: 'ArrayValue', id: 5 },
    },
  },
  ArrayValue: { fields: { values: many('AnyValue', 1) } },
  Resource: { fields: { attributes: attributes(1) } },
  Scope: { fields: { name: string(1), version: string(2) } },
  Link: { fields: { traceId: bytes(1), spanId: bytes(2), traceState: string(3), attributes: attributes(4) } },
  Event: { fields: { timeUnixNano: fixed64(1), name: string(2), attributes: attributes(3) } },
  Status: { fields: { message: string(2), code: { type: 'int32', id: 3 } } },
  Span: {
    fields: {
      traceId: bytes(1),
      spanId: bytes(2),
      traceState: string(3),
      parentSpanId: bytes(4),
      name: string(5),
      kind: { type: 'int32', id: 6 },
      startTimeUnixNano: fixed64(7),
      endTimeUnixNano: fixed64(8),
      attributes: attributes(9),
      events: many('Event', 11),
      links: many('Link', 13),
      status: { type: 'Status', id: 15 },
    },
  },
  ScopeSpans: { fields: { scope: { type: 'Scope', id: 1 }, spans: many('Span', 2) } },
  ResourceSpans: { fields: { resource: { type: 'Resource', id: 1 }, scopeSpans: many('ScopeSpans', 2) } },
  ExportTraceServiceRequest: { fields: { resourceSpans: many('ResourceSpans', 1) } },
  ExportTraceServiceResponse: { fields: {} },
};

const PACKAGE = 'opentelemetry.proto.collector.trace.v1';

const methods = { Export: { requestType: 'ExportTraceServiceRequest', responseType: 'ExportTraceServiceResponse' } };
const descriptors = PACKAGE.split('.').reduceRight<object>((nested, name) => ({ nested: { [name]: nested } }), {
  nested: { ...types, TraceService: { methods } },
});

export interface AnyValue {
  readonly stringValue?: string;
  readonly boolValue?: boolean;
  readonly intValue?: number;
  readonly doubleValue?: number;
  readonly arrayValue?: { readonly values: readonly AnyValue[] };
}

export interface KeyValue {
  readonly key: string;
  readonly value: AnyValue;
}

export interface OtlpSpan {
  readonly traceId: Buffer;
  readonly spanId: Buffer;
  readonly traceState: string;
  /** Empty for the first of a trace. */
  readonly parentSpanId: Buffer;
  readonly name: string;
  /** 1: internal, 2: server, 3: client. */
  readonly kind: number;
  /** Nanoseconds, too many for a number. */
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly KeyValue[];
  readonly links: readonly { readonly traceId: Buffer; readonly spanId: Buffer }[];
  /** 0: unset, 2: error. */
  readonly status: { readonly code: number; readonly message: string } | null;
}

export interface ExportRequest {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly KeyValue[] };
    readonly scopeSpans: readonly { readonly scope: { readonly name: string }; readonly spans: readonly OtlpSpan[] }[];
  }[];
}

export interface TraceMethods {
  Export: [ExportRequest, object];
}

export const traceService = new Service<TraceMethods>(descriptors, `${PACKAGE}.TraceService`);
