/** What encryption counts, under upstream's names (apiserver/pkg/storage/value/metrics.go, envelope/metrics, encryptionconfig/metrics). */
import { codeOf } from '@keelson/component/grpc/errors';
import { timedCall } from '@keelson/component/grpc/timed';
import { Counter, exponentialBounds, Gauge, Histogram } from '@keelson/component/metrics/families';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import { LRUCache } from 'lru-cache';
import { hashOf } from '../metrics/hash.ts';
import { ReloadMetrics } from '../metrics/reloads.ts';

export type Direction = 'from_storage' | 'to_storage';

/** Counts what is done to the values of one resource. */
export interface TransformationMetrics {
  /** @returns to be called when it is done, with the prefix of who did it */
  start(direction: Direction): (prefix: string, error?: unknown) => void;
}

/** How many ids of keys are remembered: plugins may change theirs at any time. */
const KEY_IDS = 100;

export class EncryptionMetrics {
  readonly reloads: ReloadMetrics;
  readonly #now: () => number;
  readonly #clock: () => Date;
  readonly #serverHash: string;
  readonly #durations: Histogram;
  readonly #operations: Counter;
  readonly #misses: Counter;
  readonly #generations: Histogram;
  readonly #calls: Histogram;
  readonly #keyIds: Counter;
  readonly #keyIdsUsedAt: Gauge;
  readonly #keyIdsToldAt: Gauge;
  readonly #invalidKeyIds: Counter;
  readonly #cacheSize: Gauge;
  readonly #usedIds: LRUCache<string, readonly string[]>;
  readonly #toldIds: LRUCache<string, readonly string[]>;

  /**
   * @param now milliseconds of a clock that never goes backwards
   * @param serverId of this API server among others
   */
  constructor(
    registry: MetricsRegistry,
    { now, clock, serverId }: { now: () => number; clock: () => Date; serverId: string },
  ) {
    this.#now = now;
    this.#clock = clock;
    this.#serverHash = hashOf(serverId);
    const counter = (name: string, help: string, labels: readonly string[] = []) =>
      registry.register(new Counter({ name, help, stability: 'ALPHA', labels }));
    const gauge = (name: string, help: string, labels: readonly string[]) =>
      registry.register(new Gauge({ name, help, stability: 'ALPHA', labels }));
    const histogram = (name: string, help: string, labels: readonly string[], bounds: number[]) =>
      registry.register(new Histogram({ name, help, stability: 'ALPHA', labels }, bounds));
    const storage = 'apiserver_storage_';
    this.#durations = histogram(
      `${storage}transformation_duration_seconds`,
      'How long it took to encrypt or decrypt a value.',
      ['transformation_type', 'transformer_prefix'],
      exponentialBounds(5e-6, 2, 25),
    );
    this.#operations = counter(`${storage}transformation_operations_total`, 'Values encrypted and decrypted.', [
      'resource',
      'transformation_type',
      'transformer_prefix',
      'status',
    ]);
    this.#misses = counter(
      `${storage}envelope_transformation_cache_misses_total`,
      'How often a plugin had to be asked for a data key.',
    );
    this.#generations = histogram(
      `${storage}data_key_generation_duration_seconds`,
      'How long it took to make a data key.',
      [],
      exponentialBounds(5e-6, 2, 14),
    );
    this.reloads = new ReloadMetrics(registry, {
      what: 'encryption',
      stability: 'ALPHA',
      identity: serverId,
      now: clock,
    });
    const envelope = 'apiserver_envelope_encryption_';
    const used = ['transformation_type', 'provider_name', 'key_id_hash', 'apiserver_id_hash'];
    this.#calls = histogram(
      `${envelope}kms_operations_latency_seconds`,
      'How long plugins took to answer.',
      ['provider_name', 'method_name', 'grpc_status_code'],
      exponentialBounds(1e-4, 2, 20),
    );
    this.#keyIds = counter(`${envelope}key_id_hash_total`, 'How often values of a key were read and written.', used);
    this.#keyIdsUsedAt = gauge(`${envelope}key_id_hash_last_timestamp_seconds`, 'When that was last.', used);
    this.#keyIdsToldAt = gauge(
      `${envelope}key_id_hash_status_last_timestamp_seconds`,
      'When a plugin last called the key its own.',
      used.slice(1),
    );
    this.#invalidKeyIds = counter(
      `${envelope}invalid_key_id_from_status_total`,
      'How often a plugin told an id that no key may have.',
      ['provider_name', 'error'],
    );
    this.#cacheSize = gauge(`${envelope}dek_source_cache_size`, 'Data keys that plugins need not be asked for.', [
      'provider_name',
    ]);
    const forget = (...gauges: readonly (Counter | Gauge)[]) =>
      new LRUCache<string, readonly string[]>({
        max: KEY_IDS,
        dispose: (labels, _key, reason) => {
          if (reason === 'evict') for (const family of gauges) family.remove(...labels);
        },
      });
    this.#usedIds = forget(this.#keyIds, this.#keyIdsUsedAt);
    this.#toldIds = forget(this.#keyIdsToldAt);
  }

  /** @param resource as in `deployments.apps` */
  transformations(resource: string): TransformationMetrics {
    return {
      start: (direction) => {
        const startedAt = this.#now();
        return (prefix, error) => {
          this.#operations.with(resource, direction, prefix, error === undefined ? 'OK' : codeOf(error)).inc();
          if (error === undefined) this.#durations.with(direction, prefix).observe((this.#now() - startedAt) / 1000);
        };
      },
    };
  }

  /** A plugin has to be asked. */
  missed(): void {
    this.#misses.with().inc();
  }
  generated(milliseconds: number): void {
    this.#generations.with().observe(milliseconds / 1000);
  }

  /** Makes the call. @param method the path of gRPC's. @throws what it throws */
  call<T>(provider: string, method: string, call: () => Promise<T>): Promise<T> {
    return timedCall(this.#now, (code, seconds) => this.#calls.with(provider, method, code).observe(seconds), call);
  }

  usedKey(direction: Direction, provider: string, keyId: string): void {
    const labels = [direction, provider, hashOf(keyId), this.#serverHash];
    this.#usedIds.set(labels.join('\0'), labels);
    this.#keyIds.with(...labels).inc();
    this.#keyIdsUsedAt.with(...labels).value = this.#seconds();
  }
  toldKey(provider: string, keyId: string): void {
    const labels = [provider, hashOf(keyId), this.#serverHash];
    this.#toldIds.set(labels.join('\0'), labels);
    this.#keyIdsToldAt.with(...labels).value = this.#seconds();
  }
  invalidKey(provider: string, error: 'empty' | 'too_long'): void {
    this.#invalidKeyIds.with(provider, error).inc();
  }
  cached(provider: string, keys: number): void {
    this.#cacheSize.with(provider).value = keys;
  }

  #seconds(): number {
    return this.#clock().getTime() / 1000;
  }
}
