/** Traces of requests, of what they set going here and at those who are asked for it. docs/tracing.md */
import type { Attributes, Tracing as ComponentTracing } from '@keelson/component/tracing/index';
import type { RequestContext } from '../context.ts';
import type { Exchange } from '../http/exchange.ts';

export { type Attributes, type Span, serverOf, type TraceHeaders } from '@keelson/component/tracing/index';

export interface Tracing extends Omit<ComponentTracing, 'root'> {
  /**
   * A request that came in; its client's trace goes on where the client is trusted, otherwise the new one is linked to it.
   * @param run ends when it is answered
   */
  request(name: string, ctx: RequestContext, isTrusted: boolean, run: () => Promise<void>): Promise<void>;
}

/** What is known of an answer when it is over. */
export const answerOf = ({ status, bytesSent }: Exchange): Attributes => ({
  'http.response.body.size': bytesSent,
  'http.response.status_code': status,
});
