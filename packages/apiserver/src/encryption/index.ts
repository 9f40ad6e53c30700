/**
 * Encryption at rest: what --encryption-provider-config says is done between the registry and the store.
 *
 *     file ──▶ Providers ◀── again whenever the file changes, if it is to be reloaded
 *                 │ for each resource
 *     registry ◀─▶ EncryptedStore ◀─▶ store
 */
import type { Clock } from '@keelson/api/clock';
import { readConfidentialYaml } from '@keelson/api/codec/yaml';
import { type GroupResource, qualified } from '@keelson/api/errors';
import { pause } from '@keelson/client/world';
import { readStrictly } from '@keelson/component/configfile';
import type { Logger } from '@keelson/component/logs/logger';
import type { Store } from '@keelson/storage/store';
import { AggregateFailure, aggregate, asError } from '../aggregate.ts';
import type { EncryptionConfig } from '../config.ts';
import type { HealthCheck } from '../health/checks.ts';
import { hashOf } from '../metrics/hash.ts';
import { readConfiguration } from './configuration.ts';
import { EncryptedStore } from './encrypted-store.ts';
import { EncryptionConfigError } from './error.ts';
import { identity } from './identity.ts';
import type { EncryptionMetrics } from './metrics.ts';
import { buildProviders, type Providers, type ProvidersOptions } from './providers.ts';
import type { ValueTransformer } from './transformer.ts';
import { validateConfiguration } from './validation.ts';

/** How long new plugins have to become well, at least, before the file that names them is put off. */
const MIN_PATIENCE_MS = 10_000;
const RECHECK_MS = 100;
const RETRY_MS = 5_000;

export interface EncryptionOptions extends ProvidersOptions {
  readonly config: EncryptionConfig;
  readonly metrics: EncryptionMetrics;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class Encryption {
  readonly #options: EncryptionOptions;
  /** By resource: who shares keys shares what is known of them. */
  readonly #stores = new Map<string, Store>();
  readonly #transformers = new Map<string, ValueTransformer | undefined>();
  #providers: Providers;
  #hash: string;
  #isReloading = false;
  readonly #closed = new AbortController();
  /** Ends each of those that were replaced and may still be asked. */
  readonly #replaced = new Set<() => void>();
  #cancelRetry: (() => void) | undefined;

  private constructor(options: EncryptionOptions, providers: Providers, hash: string) {
    this.#options = options;
    this.#providers = providers;
    this.#hash = hash;
  }

  /** Plugins have been asked once when it resolves; they may be unwell. @throws EncryptionConfigError */
  static async start(options: EncryptionOptions): Promise<Encryption> {
    const { config, metrics } = options;
    const { providers, hash } = await load(options);
    metrics.reloads.inForce(hash);
    const encryption = new Encryption(options, providers, hash);
    if (config.automaticReload) config.file.onChange?.(() => void encryption.#reload());
    return encryption;
  }

  /** The store as the resource sees it: itself, where nothing can ever encrypt the resource. */
  storeOf(resource: GroupResource, store: Store): Store {
    const key = qualified(resource);
    const known = this.#stores.get(key);
    if (known) return known;
    const { automaticReload, keyPrefix } = this.#options.config;
    const isPlain = !automaticReload && this.#transformerOf(resource) === undefined;
    const seen = isPlain
      ? store
      : new EncryptedStore(store, {
          transformer: () => this.#transformerOf(resource) ?? identity,
          pathOf: (path) => `${keyPrefix}${path.slice(ROOT.length)}`,
        });
    this.#stores.set(key, seen);
    return seen;
  }

  /** Of plugins: one for each, or one for all where they may change, or where all speak version 2 of the interface. */
  healthChecks(): HealthCheck[] {
    if (!this.#options.config.automaticReload && this.#providers.kms.length === 0) return [];
    return [{ name: 'kms-providers', check: () => checkAll(this.#providers) }];
  }

  close(): void {
    this.#closed.abort();
    this.#cancelRetry?.();
    for (const end of this.#replaced) end();
    for (const provider of this.#providers.kms) provider.close();
  }

  #transformerOf(resource: GroupResource): ValueTransformer | undefined {
    const key = qualified(resource);
    if (!this.#transformers.has(key)) this.#transformers.set(key, this.#providers.for(resource));
    return this.#transformers.get(key);
  }

  async #reload(): Promise<void> {
    if (this.#isReloading || this.#closed.signal.aborted) return;
    this.#isReloading = true;
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
    const { metrics, logger, config, clock } = this.#options;
    try {
      if (hashOf(config.file.get()) !== this.#hash) await this.#replace();
    } catch (error) {
      metrics.reloads.reloaded('failure');
      logger.error({ error: asError(error).message, path: config.path }, 'error processing encryption config file');
      if (this.#closed.signal.aborted) return;
      this.#cancelRetry = clock.after(RETRY_MS, () => void this.#reload(), { background: true });
    } finally {
      this.#isReloading = false;
    }
    // It may have changed meanwhile.
    if (this.#cancelRetry === undefined && hashOf(config.file.get()) !== this.#hash) await this.#reload();
  }

  async #replace(): Promise<void> {
    const { metrics, logger, config, clock } = this.#options;
    const { providers, hash } = await load(this.#options);
    try {
      await untilHealthy(providers, clock, this.#closed.signal);
    } catch (error) {
      for (const provider of providers.kms) provider.close();
      throw error;
    }
    const old = this.#providers;
    this.#providers = providers;
    this.#hash = hash;
    this.#transformers.clear();
    metrics.reloads.inForce(hash);
    metrics.reloads.reloaded('success');
    logger.info({ path: config.path }, 'reloaded the encryption config');
    // What was begun with them may still ask them.
    const grace = 2 * old.kms.reduce((sum, { timeoutMs }) => sum + timeoutMs, 0);
    const end = () => {
      cancel();
      this.#replaced.delete(end);
      for (const provider of old.kms) provider.close();
    };
    const cancel = clock.after(grace, end, { background: true });
    this.#replaced.add(end);
  }
}

const ROOT = '/registry';

async function load(options: EncryptionOptions): Promise<{ providers: Providers; hash: string }> {
  const { path, file, automaticReload } = options.config;
  const text = file.get();
  if (text === '')
    throw new EncryptionConfigError(
      `error while parsing file: error while loading file: encryption provider configuration file "${path}" is empty`,
    );
  const configuration = decode(text, path);
  const problems = [...validateConfiguration(configuration, automaticReload)].map((each) => new Error(String(each)));
  const invalid = aggregate(problems);
  if (invalid) throw new EncryptionConfigError(`error while parsing file: ${invalid.message}`);
  const providers = await buildProviders(configuration, options).catch((cause: unknown) => {
    throw new EncryptionConfigError(`error while building transformers: ${asError(cause).message}`, { cause });
  });
  return { providers, hash: hashOf(text) };
}

function decode(text: string, path: string) {
  try {
    return readStrictly(readConfidentialYaml(text), readConfiguration);
  } catch (cause) {
    throw new EncryptionConfigError(
      `error while parsing file: error decoding encryption provider configuration file "${path}": ${asError(cause).message}`,
      { cause },
    );
  }
}

async function checkAll({ kms }: Providers): Promise<void> {
  const failures: Error[] = [];
  for (const [i, provider] of kms.entries()) {
    await provider.check().catch((error: unknown) => {
      failures.push(new Error(`kms-provider-${i}: ${asError(error).message}`));
    });
  }
  if (failures.length > 0) throw new AggregateFailure(failures);
}

/** @throws Error with what is wrong when they have had their time */
async function untilHealthy(providers: Providers, clock: Clock, closed: AbortSignal): Promise<void> {
  const patience = Math.max(MIN_PATIENCE_MS, 2 * providers.kms.reduce((sum, { timeoutMs }) => sum + timeoutMs, 0));
  const deadline = clock.now() + patience;
  for (;;) {
    const failure = await checkAll(providers).then(() => undefined, asError);
    if (closed.aborted) throw new Error('the server has ended');
    if (!failure) return;
    if (clock.now() >= deadline)
      throw new Error(
        `health check for new transformers failed, polling error timed out waiting for the condition: ${failure.message}`,
        { cause: failure },
      );
    await pause(clock, RECHECK_MS, closed);
  }
}
