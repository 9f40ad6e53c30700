/**
 * The data key that values are encrypted with, and whether the plugin is well: its status is asked for again and again
 * (server/options/encryptionconfig/config.go).
 *
 *     ┌ every minute, every 10 s while it fails ─▶ Status ─▶ its key id is that of the data key ─▶ good for another 3 minutes
 *     │                                                    └ another ─▶ a new seed, encrypted by the plugin
 *     └ health checks: what was found last, 20 s long; 3 s if that was a failure
 *
 * Reads are possible as long as the plugin decrypts; writes for three minutes after it was well.
 */
import { randomBytes } from 'node:crypto';
import type { Clock } from '@keelson/api/clock';
import { formatTime } from '@keelson/api/time';
import type { Logger } from '@keelson/component/logs/logger';
import { AggregateFailure, asError } from '../../aggregate.ts';
import { hashOf } from '../../metrics/hash.ts';
import { ExtendedNonceGcm } from '../aes.ts';
import type { EncryptionMetrics } from '../metrics.ts';
import { cacheKeyOf, checkSource, type DataKeySource, problemOfKeyId } from './encrypted-object.ts';
import { EXTENDED_NONCE_SEED, type StatusResponse } from './messages.ts';
import type { KmsPlugin } from './plugin.ts';

const POLL_MS = 60_000;
const POLL_UNHEALTHY_MS = 10_000;
const WRITABLE_MS = 180_000;
const HEALTHY_TTL_MS = 20_000;
const UNHEALTHY_TTL_MS = 3_000;
const SEED_BYTES = 32;
const VERSIONS = ['v2', 'v2beta1'];

export interface WriteKey {
  readonly cipher: ExtendedNonceGcm;
  readonly source: DataKeySource;
  readonly cacheKey: string;
  /** Milliseconds since the epoch after which nothing may be encrypted with it. */
  readonly expiresAt: number;
}

export interface WriteKeyOptions {
  /** Of the provider. */
  readonly name: string;
  readonly plugin: KmsPlugin;
  readonly metrics: EncryptionMetrics;
  readonly clock: Clock;
  readonly uuid: () => string;
  readonly logger: Logger;
}

export class WriteKeys {
  readonly #options: WriteKeyOptions;
  #current: WriteKey | undefined;
  /** What the plugin said that it speaks. */
  #version: string | undefined;
  #last: { readonly at: number; readonly ttlMs: number; readonly error: Error | undefined } | undefined;
  #checking: Promise<void> | undefined;
  #cancelPoll: (() => void) | undefined;
  #isStopped = false;

  constructor(options: WriteKeyOptions) {
    this.#options = options;
  }

  /** Resolves after the first look at the plugin, however that ended; it is looked at until stopped. */
  async start(): Promise<void> {
    const isHealthy = await this.check().then(
      () => true,
      (error: Error) => {
        const { logger, name } = this.#options;
        logger.warn({ name, error: error.message }, 'KMS plugin failed its health check');
        return false;
      },
    );
    if (this.#isStopped) return;
    const poll = () => void this.start();
    this.#cancelPoll = this.#options.clock.after(isHealthy ? POLL_MS : POLL_UNHEALTHY_MS, poll, { background: true });
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancelPoll?.();
  }

  /** What was last used, whether anything may still be encrypted with it or not. @throws Error until the plugin was well once */
  get current(): WriteKey {
    if (!this.#current) throw new Error(NO_KEY);
    return this.#current;
  }

  /** @throws Error if nothing may be encrypted any more */
  get writable(): WriteKey {
    const { current } = this;
    const now = this.#options.clock.now();
    if (now <= current.expiresAt) return current;
    throw new Error(
      `encryptedDEKSource with keyID hash "${hashOf(current.source.keyId)}" expired at ${timeText(current.expiresAt)} (current time is ${timeText(now)})`,
    );
  }

  /** Rejects with what is wrong with the plugin, which is not asked again at once. */
  check(): Promise<void> {
    this.#checking ??= this.#check().finally(() => {
      this.#checking = undefined;
    });
    return this.#checking;
  }

  async #check(): Promise<void> {
    const last = this.#last;
    if (last && this.#options.clock.now() - last.at < last.ttlMs) {
      if (last.error) throw last.error;
      return;
    }
    const error = await this.#examine().catch(asError);
    // Told again it has no frame, as upstream's: only who finds out says what he did.
    const reason = error?.cause instanceof Error ? error.cause : error;
    this.#last = { at: this.#options.clock.now(), ttlMs: error ? UNHEALTHY_TTL_MS : HEALTHY_TTL_MS, error: reason };
    if (error) throw error;
  }

  /** @returns what is wrong */
  async #examine(): Promise<Error | undefined> {
    const { name, plugin } = this.#options;
    const status = await plugin.status().catch((thrown: unknown) => {
      const cause = asError(thrown);
      throw new Error(
        `failed to perform status section of the healthz check for KMS Provider ${name}, error: ${cause.message}`,
        { cause },
      );
    });
    const problems = [...this.#problemsOf(status)];
    const keyProblem = await this.#follow(status.keyId).catch(asError);
    if (keyProblem) problems.push(keyProblem);
    if (problems.length === 0) return undefined;
    return new Error(`kmsv2 Provider ${name} is not healthy, error: ${new AggregateFailure(problems).message}`);
  }

  *#problemsOf({ healthz, version }: StatusResponse): Iterable<Error> {
    if (healthz !== 'ok') yield new Error(`got unexpected healthz status: ${healthz}`);
    if (!VERSIONS.includes(version)) {
      yield new Error(`expected KMSv2 API version v2, got ${version}`);
      return;
    }
    this.#version ??= version;
    if (this.#version !== version)
      yield new Error(
        `KMSv2 API version should not change after the initial status response version ${this.#version}, got ${version}`,
      );
  }

  /** Makes the write key one of the plugin's key. @throws Error if that can't be; then the old one stays */
  async #follow(keyId: string): Promise<undefined> {
    const { name, metrics, clock } = this.#options;
    const problem = problemOfKeyId(keyId);
    if (problem) {
      metrics.invalidKey(name, problem.code);
      throw new Error(`got invalid KMSv2 KeyID hash "${hashOf(keyId)}": ${problem.message}`);
    }
    metrics.toldKey(name, keyId);
    const expiresAt = clock.now() + WRITABLE_MS;
    const current = this.#current;
    if (current?.source.keyId === keyId) this.#current = { ...current, expiresAt };
    else this.#current = await this.#generate(keyId, expiresAt);
    return undefined;
  }

  async #generate(keyId: string, expiresAt: number): Promise<WriteKey> {
    const { metrics, uuid } = this.#options;
    const uid = uuid();
    const startedAt = performance.now();
    const seed = randomBytes(SEED_BYTES);
    metrics.generated(performance.now() - startedAt);
    const source = await this.#encrypt(seed, uid).catch(asError);
    if (source instanceof Error) throw this.#notRotated({ uid, keyId, error: source });
    if (source.keyId !== keyId) throw this.#notRotated({ uid, keyId, encryptKeyId: source.keyId });
    return { cipher: new ExtendedNonceGcm(seed), source, cacheKey: cacheKeyOf(source), expiresAt };
  }

  async #encrypt(seed: Buffer, uid: string): Promise<DataKeySource> {
    const answer = await this.#options.plugin.encrypt(seed, uid).catch((cause: unknown) => {
      throw new Error(`failed to encrypt DEK, error: ${asError(cause).message}`, { cause });
    });
    const source = {
      keyId: answer.keyId,
      encryptedDEKSource: Buffer.from(answer.ciphertext),
      annotations: answer.annotations,
      encryptedDEKSourceType: EXTENDED_NONCE_SEED,
    };
    checkSource(source);
    return source;
  }

  #notRotated(what: { uid: string; keyId: string; encryptKeyId?: string; error?: Error }): Error {
    const current = this.#current;
    const parts = [
      `uid="${what.uid}"`,
      'useSeed=true',
      `errState=${current ? '<nil>' : NO_KEY}`,
      `errGen=${what.error?.message ?? '<nil>'}`,
      `statusKeyIDHash="${hashOf(what.keyId)}"`,
      `encryptKeyIDHash="${hashOf(what.encryptKeyId ?? '')}"`,
      `stateKeyIDHash="${hashOf(current?.source.keyId ?? '')}"`,
      `expirationTimestamp=${current ? timeText(current.expiresAt) : '0001-01-01T00:00:00Z'}`,
    ];
    return new Error(`failed to rotate DEK ${parts.join(', ')}`, { cause: what.error });
  }
}

const NO_KEY = 'got unexpected nil transformer';
const timeText = (milliseconds: number) => formatTime(new Date(milliseconds));
