/** Lets web pages of other origins ask (apiserver/pkg/server/filters/cors.go). */
import type { Filter } from '../chain.ts';
import { headerOf } from '../http/answer.ts';
import { addHeaders } from '../http/extra-headers.ts';

const HEADERS = {
  'access-control-allow-credentials': 'true',
  'access-control-allow-headers':
    'Content-Type, Content-Length, Accept-Encoding, X-CSRF-Token, Authorization, X-Requested-With, If-Modified-Since',
  'access-control-allow-methods': 'POST, GET, OPTIONS, PUT, DELETE, PATCH',
  'access-control-expose-headers': 'Date',
};

/** Answers what browsers ask before they ask. @param isAllowed whether pages of an origin may read answers */
export function cors(isAllowed: (origin: string) => boolean): Filter {
  return async (ctx, next) => {
    const { exchange } = ctx;
    const origin = headerOf(exchange.headers, 'origin');
    if (!origin || !isAllowed(origin)) return next();
    addHeaders(exchange, { ...HEADERS, 'access-control-allow-origin': origin });
    if (exchange.method !== 'OPTIONS') return next();
    exchange.begin(204, { 'audit-id': ctx.auditId, 'cache-control': 'no-cache, private' }).end();
  };
}
