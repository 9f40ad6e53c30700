import type { Filter } from '../chain.ts';
import { addHeaders } from '../http/extra-headers.ts';

/** Tells browsers to come over HTTPS alone (RFC 6797). @param directives as in `max-age=31536000`, `includeSubDomains` */
export function hsts(directives: readonly string[]): Filter {
  const headers = { 'strict-transport-security': directives.join('; ') };
  return (ctx, next) => {
    addHeaders(ctx.exchange, headers);
    return next();
  };
}
