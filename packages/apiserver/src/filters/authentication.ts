/** Who asks. Without an answer to that: 401 (apiserver/pkg/endpoints/filters/authentication.go). */
import { unauthorized } from '@keelson/api/errors';
import type { Logger } from '@keelson/component/logs/logger';
import { ANONYMOUS, type Authenticator } from '../authn/authenticator.ts';
import { bearerWarning } from '../authn/bearer.ts';
import { HeaderValues } from '../authn/headers.ts';
import type { AuthenticationMetrics } from '../authn/metrics.ts';
import type { Filter } from '../chain.ts';
import { addWarning } from '../context.ts';

export interface AuthenticationOptions {
  readonly authenticate: Authenticator;
  readonly audiences: readonly string[];
  readonly metrics: AuthenticationMetrics;
  readonly logger: Logger;
  /** Over HTTP/2 nobody who is unknown keeps a connection: it takes one request, as if each had to open its own. */
  readonly endsUnknown: boolean;
}

export function authentication(options: AuthenticationOptions): Filter {
  const { authenticate, audiences, metrics, logger } = options;
  return async (ctx, next) => {
    const { peer, rawHeaders } = ctx.exchange;
    const headers = new HeaderValues(rawHeaders);
    addWarning(ctx, bearerWarning(headers.first('authorization')) ?? '');
    const attempted = metrics.attempt();
    let isError = false;
    const found = await authenticate({
      headers,
      path: ctx.info.path,
      audiences,
      ...(peer ? { peer } : {}),
    }).catch((error: unknown) => {
      logger.debug({ error: (error as Error).message }, 'unable to authenticate the request');
      isError = true;
      return undefined;
    });
    attempted(found ? 'success' : isError ? 'error' : 'failure', found?.user.name);
    if (options.endsUnknown && ctx.exchange.httpVersion === '2' && (!found || found.user.name === ANONYMOUS))
      ctx.exchange.endConnection();
    if (!found) throw unauthorized();
    ctx.user = found.user;
    for (const text of found.warnings ?? []) addWarning(ctx, text);
    Object.assign(ctx.auditAnnotations, found.auditAnnotations);
    await next();
  };
}
