/**
 * Remembers what tokens turned out to be (k8s.io/apiserver/pkg/authentication/token/cache): a token that was good stays
 * good for the time to live, so one whose account has just been deleted works a little longer. Concurrent requests with
 * one token share one look-up. That a token is unknown is remembered where a time to live for that is given, errors never.
 */
import { hash, randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Authenticated, TokenAuthenticator } from './authenticator.ts';
import type { AuthenticationMetrics } from './metrics.ts';

export interface TokenCacheOptions {
  /** 0: successes are not kept. kube-apiserver: 10 s */
  readonly successTtlMs: number;
  /** 0: it is not kept that a token is nobody's. */
  readonly failureTtlMs: number;
  readonly metrics?: AuthenticationMetrics | undefined;
  /** Milliseconds; only differences count. */
  readonly now: () => number;
}

/** As upstream: 32 stripes of 1024. */
const MAX_TOKENS = 32 * 1024;

type Outcome = { readonly found: Authenticated | undefined } | { readonly error: unknown };

export function cachedTokens(inner: TokenAuthenticator, options: TokenCacheOptions): TokenAuthenticator {
  // Keyed with a secret: neither memory dumps nor crafted collisions are of use.
  const secret = randomBytes(32).toString('base64');
  const keyOf = (token: string, audiences: readonly string[]): string =>
    hash('sha256', JSON.stringify([secret, token, audiences]), 'base64');
  const outcomes = new LRUCache<string, Outcome>({
    max: MAX_TOKENS,
    ttl: 1,
    ttlResolution: 0,
    perf: { now: options.now },
  });
  const running = new Map<string, Promise<Outcome>>();

  const lookUp = async (key: string, token: string, audiences: readonly string[]): Promise<Outcome> => {
    const fetched = options.metrics?.fetch();
    let outcome: Outcome;
    try {
      outcome = { found: await inner(token, audiences) };
    } catch (error) {
      outcome = { error };
    } finally {
      running.delete(key);
    }
    fetched?.('found' in outcome);
    if ('error' in outcome) return outcome;
    const ttl = outcome.found ? options.successTtlMs : options.failureTtlMs;
    if (ttl > 0) outcomes.set(key, outcome, { ttl });
    return outcome;
  };

  return async (token, audiences) => {
    const key = keyOf(token, audiences);
    const lookedUp = options.metrics?.lookUp();
    let outcome = outcomes.get(key);
    if (outcome !== undefined) lookedUp?.('hit');
    else {
      const unblocked = options.metrics?.blocked();
      let pending = running.get(key);
      if (!pending) {
        pending = lookUp(key, token, audiences);
        running.set(key, pending);
      }
      outcome = await pending;
      unblocked?.();
      lookedUp?.('miss');
    }
    if ('error' in outcome) throw outcome.error;
    return outcome.found;
  };
}
