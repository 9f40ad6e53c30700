/**
 * The keys of an issuer, fetched when a token needs one that is not known and what there is may have changed
 * (RFC 7517; upstream's go-oidc has the same rules).
 */
import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import type { Reply } from '../../webhook/exchange.ts';

/** Keys that are good for less than that are fetched again for a token that none of them has signed. */
const EXPIRY_MARGIN_MS = 30_000;
/** An issuer has a handful; each may have to be tried. */
const MAX_KEYS = 256;

export interface IssuerKey {
  readonly id: string;
  readonly key: KeyObject;
}

export interface KeyFetch {
  readonly get: () => Promise<Reply>;
  readonly now: () => number;
  /** Called with each key set that could be read, undefined for one that could not. */
  readonly onFetched: (text: string | undefined) => void;
}

export class RemoteKeys {
  readonly #fetch: KeyFetch;
  #keys: readonly IssuerKey[] = [];
  #expiresAt = Number.NEGATIVE_INFINITY;
  #fetching: Promise<readonly IssuerKey[]> | undefined;

  constructor(fetch: KeyFetch) {
    this.#fetch = fetch;
  }

  /**
   * What the first key gives that works.
   * @param id of the key that a token names; empty: it may be any
   * @param attempt undefined: it is not this key
   * @throws Error where no key works, or where they could not be fetched
   */
  async first<T>(id: string, attempt: (key: KeyObject) => Promise<T | undefined>): Promise<T> {
    const known = await tryAll(this.#keys, id, attempt);
    if (known !== undefined) return known;
    if (this.#fetch.now() + EXPIRY_MARGIN_MS <= this.#expiresAt) throw new Error(NO_KEY);
    // Who comes meanwhile waits for the same answer.
    this.#fetching ??= this.#update().finally(() => {
      this.#fetching = undefined;
    });
    const fetched = await tryAll(await this.#fetching, id, attempt);
    if (fetched === undefined) throw new Error(NO_KEY);
    return fetched;
  }

  async #update(): Promise<readonly IssuerKey[]> {
    const { get, now, onFetched } = this.#fetch;
    try {
      const reply = await get();
      const text = reply.body.toString('utf8');
      if (reply.status !== 200) throw new Error(`oidc: get keys failed: ${reply.status}`);
      this.#keys = keysOf(text);
      this.#expiresAt = now() + freshMs(reply, now());
      onFetched(text);
      return this.#keys;
    } catch (error) {
      onFetched(undefined);
      throw new Error(`fetching keys ${(error as Error).message}`);
    }
  }
}

const NO_KEY = 'failed to verify id token signature';

async function tryAll<T>(
  keys: readonly IssuerKey[],
  id: string,
  attempt: (key: KeyObject) => Promise<T | undefined>,
): Promise<T | undefined> {
  for (const each of keys) {
    if (id !== '' && each.id !== id) continue;
    const result = await attempt(each.key);
    if (result !== undefined) return result;
  }
  return undefined;
}

/** Those that signatures can be checked with. @throws Error for what is no key set */
function keysOf(text: string): IssuerKey[] {
  let set: { keys?: unknown };
  try {
    set = JSON.parse(text) as { keys?: unknown };
  } catch (error) {
    throw new Error(`oidc: failed to decode keys: ${(error as Error).message}`);
  }
  const keys: unknown[] = Array.isArray(set?.keys) ? set.keys : [];
  return keys.slice(0, MAX_KEYS).flatMap((jwk) => {
    const { kid, kty } = (jwk ?? {}) as { kid?: unknown; kty?: unknown };
    if (kty !== 'RSA' && kty !== 'EC') return [];
    try {
      const key = createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' });
      return [{ id: typeof kid === 'string' ? kid : '', key }];
    } catch {
      return [];
    }
  });
}

/** For how long a cache that many share may use an answer (RFC 9111 §4.2.1). */
function freshMs({ headers }: Reply, now: number): number {
  const directives = new Map(
    (headers['cache-control'] ?? '').split(',').map((part) => {
      const [name, value = ''] = part.trim().toLowerCase().split('=');
      return [name!, value.replaceAll('"', '')] as const;
    }),
  );
  if (['no-store', 'no-cache', 'private'].some((name) => directives.has(name))) return 0;
  const seconds = directives.get('s-maxage') ?? directives.get('max-age');
  if (seconds !== undefined) {
    const age = Number(headers.age ?? 0) || 0;
    return Math.max(0, (Number(seconds) || 0) - age) * 1000;
  }
  const expires = Date.parse(headers.expires ?? '');
  const date = Date.parse(headers.date ?? '');
  return Number.isNaN(expires) ? 0 : Math.max(0, expires - (Number.isNaN(date) ? now : date));
}
