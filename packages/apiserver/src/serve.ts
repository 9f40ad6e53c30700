/** Where a request comes from the listener into the chain of filters. */
import { randomUUID } from 'node:crypto';
import type { Logger } from '@keelson/component/logs/logger';
import type { Handler } from './chain.ts';
import { NO_USER, type RequestContext } from './context.ts';
import { internalServerError } from './http/answer.ts';
import type { Exchange } from './http/exchange.ts';
import { parseRequestInfo } from './requestinfo.ts';
import { turns } from './turns.ts';

/**
 * Takes a request in: a context is made for it, in which it goes through the chain. What is no URL is answered with 400, what
 * nothing can be told from with 500.
 */
export async function serve(exchange: Exchange, chain: Handler, now: () => Date, logger: Logger): Promise<void> {
  try {
    // Who brings a body works when that has come.
    if (!exchange.hasBody) await turns.take();
    await chain(contextOf(exchange, now));
  } catch (error) {
    logger.error({ error: String(error) }, 'request failed outside of the chain');
    if (exchange.headersSent) exchange.abort();
    else if (error instanceof URIError)
      exchange.respond(400, { 'content-type': 'text/plain; charset=utf-8' }, '400 Bad Request');
    else {
      const { status, headers, body } = internalServerError(exchange.url, error);
      exchange.respond(status, headers, body);
    }
  }
}

/** @throws URIError, Error as parseRequestInfo does */
function contextOf(exchange: Exchange, now: () => Date): RequestContext {
  return {
    exchange,
    info: parseRequestInfo(exchange.method, exchange.url),
    receivedAt: now(),
    auditId: auditIdOf(exchange),
    user: NO_USER,
    warnings: [],
    auditAnnotations: {},
  };
}

/** The client's own, if it sent one; else new. */
function auditIdOf(exchange: Exchange): string {
  const given = exchange.headers['audit-id'];
  return typeof given === 'string' && given !== '' ? given.slice(0, 64) : randomUUID();
}
