/**
 * Sends a client to another server once in a while, so that those who stay connected spread over all of them
 * (apiserver/pkg/server/filters/goaway.go).
 */
import type { Filter } from '../chain.ts';

/** @param chance of a request over HTTP/2 to be the last of its connection, in [0, 1] @param random in [0, 1) */
export function goaway(chance: number, random: () => number): Filter {
  return (ctx, next) => {
    if (ctx.exchange.httpVersion === '2' && random() < chance) ctx.exchange.endConnection();
    return next();
  };
}
