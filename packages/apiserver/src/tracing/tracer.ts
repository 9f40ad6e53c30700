import { Tracer } from '@keelson/component/tracing/tracer';
import type { RequestContext } from '../context.ts';
import { type Attributes, answerOf, serverOf, type Tracing } from './index.ts';

export class RequestTracer extends Tracer implements Tracing {
  async request(name: string, ctx: RequestContext, isTrusted: boolean, run: () => Promise<void>): Promise<void> {
    const { exchange, receivedAt } = ctx;
    const incoming = { headers: exchange.headers, isTrusted, attributes: requestAttributes(ctx), receivedAt };
    return this.serve(name, incoming, (over) => {
      // A watch goes on after the handler; what a client hangs up on is over, too.
      exchange.onClose(() => over(answerOf(exchange), exchange.status >= 500));
      return run();
    });
  }
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
