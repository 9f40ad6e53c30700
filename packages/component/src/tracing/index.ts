/**
 * Traces: what something sets going, here and at those who are asked for it, as OpenTelemetry has it. What is under way is found
 * again by Node's context, so that nobody has to pass it on.
 */
import { unbracketed } from '../go/net.ts';

export type Attributes = Readonly<Record<string, string | number | undefined>>;

/** Something that is under way. */
export interface Span {
  set(attributes: Attributes): void;
  /** It did not work. */
  fail(description?: string): void;
}

/** Told to who is asked, so that what he does is part of the same trace (W3C Trace Context). */
export type TraceHeaders = Readonly<Record<string, string>>;

export interface Tracing {
  /** A part of what is under way. Nothing where nothing is. */
  within<T>(name: string, attributes: Attributes, run: (span: Span) => Promise<T>): Promise<T>;
  /** The same, and a trace of its own where nothing is under way. @throws what `run` throws */
  root<T>(name: string, attributes: Attributes, run: (span: Span) => Promise<T>): Promise<T>;
  /** Somebody else is asked, also where nothing is under way. @throws what `run` throws */
  call<T>(name: string, attributes: Attributes, run: (headers: TraceHeaders, span: Span) => Promise<T>): Promise<T>;
  /** What is still to be sent is sent. */
  close(): Promise<void>;
}

/** Who is spoken to. @param authority `host:port`; an IPv6 address in brackets is told without */
export function serverOf(authority: string): Attributes {
  const [, host = '', port] = /^(.*?)(?::(\d+))?$/.exec(authority) ?? [];
  return { 'server.address': unbracketed(host), 'server.port': port === undefined ? undefined : Number(port) };
}
