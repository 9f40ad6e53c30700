/** Whatever is thrown further in becomes an answer here, and only here. */
import { internalError, StatusError } from '@keelson/api/errors';
import type { Logger } from '@keelson/component/logs/logger';
import { Denied } from '../authz/attributes.ts';
import type { Filter } from '../chain.ts';
import { commonHeaders } from '../handlers/send.ts';
import { statusBody } from '../handlers/status.ts';
import { internalServerError } from '../http/answer.ts';
import { storeError } from '../registry/store-error.ts';
import { Undecided } from './authorization.ts';
import { TooLate } from './timeout.ts';

/** An error after the answer has begun can only cut it off. */
export function errors(logger: Logger): Filter {
  return async (ctx, next) => {
    try {
      await next();
    } catch (error) {
      const { exchange } = ctx;
      if (!(error instanceof StatusError)) {
        logger.error(
          { error: error instanceof Error ? error.stack : String(error), path: ctx.info.path, verb: ctx.info.verb },
          'request failed',
        );
      }
      if (exchange.headersSent) {
        exchange.abort();
        return;
      }
      if (error instanceof Undecided) {
        const { status, headers, body } = internalServerError(exchange.url, error);
        exchange.respond(status, { ...commonHeaders(ctx), ...headers }, body);
        return;
      }
      if (error instanceof TooLate) {
        const { kind: _, apiVersion: __, ...plain } = error.toStatus();
        const headers = { ...commonHeaders(ctx), 'content-type': 'text/plain; charset=utf-8' };
        exchange.respond(error.code, headers, Buffer.from(`${JSON.stringify(plain)}\n`));
        return;
      }
      const status =
        error instanceof StatusError
          ? error
          : (storeError(error) ?? internalError(error instanceof Error ? error.message : String(error)));
      const { contentType, body } = statusBody(ctx, status.toStatus());
      const retryAfter = status.details?.retryAfterSeconds;
      exchange.respond(
        status.code,
        {
          ...commonHeaders(ctx),
          'content-type': contentType,
          ...(error instanceof Denied ? { 'x-content-type-options': 'nosniff' } : {}),
          ...(retryAfter ? { 'retry-after': String(retryAfter) } : {}),
        },
        body,
      );
    }
  };
}
