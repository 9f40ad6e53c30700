import type { Exchange, ResponseHeaders } from './exchange.ts';

/** Whatever the exchange is answered with carries these, too. Those that the answer has itself stay as they are. */
export function addHeaders(exchange: Exchange, headers: ResponseHeaders): void {
  const respond = exchange.respond.bind(exchange);
  const begin = exchange.begin.bind(exchange);
  exchange.respond = (status, own, body) => respond(status, { ...headers, ...own }, body);
  exchange.begin = (status, own) => begin(status, { ...headers, ...own });
}
