/** The keys of a signer, fetched again as often as it advises, and for a token whose key is not known (plugin/keycache.go). */
import { createPublicKey } from 'node:crypto';
import type { Clock } from '@keelson/api/clock';
import { quote } from '@keelson/component/go/strconv';
import type { VerificationKey } from '@keelson/component/jwt/keys';
import type { Logger } from '@keelson/component/logs/logger';
import { keysOf } from '../token-keys.ts';
import { MAX_KEY_ID_BYTES } from './header.ts';
import type { FetchKeysResponse, SignerKey, Timestamp } from './messages.ts';
import type { SignerMetrics } from './metrics.ts';

export interface ExternalKey extends VerificationKey {
  /** Good for tokens that it has signed before, no longer for new ones. */
  readonly isHidden: boolean;
}

interface FetchedKeys {
  readonly keys: readonly ExternalKey[];
  /** Seconds since the epoch. */
  readonly dataFrom: number;
  /** Milliseconds since the epoch. */
  readonly refreshAt: number;
}

export interface KeyCacheWorld {
  /** @throws RpcError */
  readonly fetch: () => Promise<FetchKeysResponse>;
  readonly metrics: SignerMetrics;
  readonly clock: Clock;
  readonly logger: Logger;
}

const RETRY_MS = 10_000;

export class KeyCache {
  readonly #world: KeyCacheWorld;
  readonly #listeners: (() => void)[] = [];
  #fetched: FetchedKeys = { keys: [], dataFrom: Number.NaN, refreshAt: 0 };
  #running: Promise<void> | undefined;
  #isClosed = false;
  #cancel = () => {};

  constructor(world: KeyCacheWorld) {
    this.#world = world;
  }

  /** Fetches them for the first time, and then again and again until `close`. @throws Error */
  async start(): Promise<void> {
    try {
      await this.#sync();
    } catch (error) {
      throw wrapped('while performing initial cache fill', error);
    }
    this.#schedule(this.#untilRefresh());
  }

  close(): void {
    this.#isClosed = true;
    this.#cancel();
  }

  get all(): readonly ExternalKey[] {
    return this.#fetched.keys;
  }
  maxAgeSeconds(): number {
    return Math.trunc(this.#untilRefresh() / 1000);
  }
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Those of this id, all where it is empty. The signer is asked where there are none. */
  async find(id: string): Promise<readonly ExternalKey[]> {
    const known = keysOf(this.#fetched.keys, id);
    if (known.length > 0) return known;
    const { logger } = this.#world;
    try {
      await this.#sync();
    } catch (error) {
      logger.error({ error: (error as Error).message }, 'keys of the external signer were not fetched');
      return [];
    }
    const found = keysOf(this.#fetched.keys, id);
    if (found.length === 0) logger.error({ id }, 'the external signer does not know a key');
    return found;
  }

  #schedule(ms: number): void {
    if (this.#isClosed) return;
    const sync = async () => {
      try {
        await this.#sync();
        this.#schedule(this.#untilRefresh());
      } catch (error) {
        const { message } = error as Error;
        this.#world.logger.error({ error: message }, 'keys of the external signer are old ones: none were fetched');
        this.#schedule(RETRY_MS);
      }
    };
    this.#cancel = this.#world.clock.after(ms, () => void sync(), { background: true });
  }

  #untilRefresh(): number {
    return Math.max(0, this.#fetched.refreshAt - this.#world.clock.now());
  }

  /** Who comes meanwhile waits for the same answer. @throws Error */
  #sync(): Promise<void> {
    this.#running ??= this.#fetch().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #fetch(): Promise<void> {
    const { fetch, metrics, clock } = this.#world;
    const before = this.#fetched;
    try {
      const response = await fetch().catch((error: unknown) => {
        throw wrapped('while getting externally supported jwt signing keys', error);
      });
      this.#fetched = checked(response, clock.now());
    } catch (error) {
      metrics.fetchFailed(error);
      throw wrapped('while fetching token verification keys', error);
    }
    metrics.fetched(clock.now(), this.#fetched.dataFrom);
    if (differ(before, this.#fetched)) for (const listener of this.#listeners) listener();
  }
}

/** What comes first in the message. */
export function wrapped(what: string, error: unknown): Error {
  return new Error(`${what}: ${(error as Error).message}`, { cause: error });
}

function checked({ refreshHintSeconds, keys, dataTimestamp }: FetchKeysResponse, now: number): FetchedKeys {
  if (refreshHintSeconds <= 0) throw new Error(`found invalid refresh hint (${refreshHintSeconds}s)`);
  if (keys.length === 0) throw new Error('found no keys');
  const dataFrom = secondsOf(dataTimestamp);
  return { keys: keys.map(externalKey), dataFrom, refreshAt: now + refreshHintSeconds * 1000 };
}

function externalKey({ keyId, key, excludeFromOidcDiscovery }: SignerKey): ExternalKey {
  if (keyId === '' || Buffer.byteLength(keyId) > MAX_KEY_ID_BYTES)
    throw new Error(`found invalid public key id ${quote(keyId)}`);
  if (key.length === 0) throw new Error('found empty public key');
  try {
    const parsed = createPublicKey({ key: Buffer.from(key), format: 'der', type: 'spki' });
    return { id: keyId, key: parsed, isHidden: excludeFromOidcDiscovery };
  } catch (error) {
    throw wrapped('while parsing external public keys', error);
  }
}

/** The years 1 to 9999, as protobuf allows. */
const [FIRST_SECOND, LAST_SECOND] = [-62_135_596_800, 253_402_300_799];

/** @throws Error in the words of protobuf's library */
function secondsOf(timestamp: Timestamp | null): number {
  const invalid = (what: string) => new Error(`invalid data timestamp: proto: ${what}`);
  if (timestamp === null) throw invalid('invalid nil Timestamp');
  const { seconds, nanos } = timestamp;
  const shown = `timestamp (seconds:${seconds}${nanos === 0 ? '' : ` nanos:${nanos}`})`;
  if (seconds < FIRST_SECOND) throw invalid(`${shown} before 0001-01-01`);
  if (seconds > LAST_SECOND) throw invalid(`${shown} after 9999-12-31`);
  if (nanos < 0 || nanos >= 1e9) throw invalid(`${shown} has out-of-range nanos`);
  return seconds + nanos / 1e9;
}

/** The keys themselves are not compared: another key has another id. */
function differ(a: FetchedKeys, b: FetchedKeys): boolean {
  const shown = ({ dataFrom, keys }: FetchedKeys) => JSON.stringify([dataFrom, keys.map((k) => [k.id, k.isHidden])]);
  return shown(a) !== shown(b);
}
