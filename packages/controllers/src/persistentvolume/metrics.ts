/** What is counted of volumes and claims (pkg/controller/volume/persistentvolume/metrics). */

import type { Clock } from '@keelson/api/clock';
import type { PersistentVolume, PersistentVolumeClaim } from '@keelson/api/generated/types/core/v1';
import { claimClass } from '@keelson/api/resources/volumes';
import type { Lister } from '@keelson/client';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import { countsBy, Families } from '../metrics.ts';
import { pluginOf } from './plugins.ts';

const SECONDS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 25, 50, 120, 300, 600];

interface Operation {
  readonly plugin: string;
  readonly name: 'provision' | 'delete';
  readonly startedAt: number;
}

export class VolumeMetrics {
  readonly #clock: Clock;
  readonly #seconds;
  readonly #errors;
  readonly #deprecatedErrors;
  readonly #classified;
  readonly #classifiedErrors;
  /** By the claim or the volume that is waited for. */
  readonly #operations = new Map<string, Operation>();

  constructor(
    registry: MetricsRegistry | undefined,
    clock: Clock,
    { claims, volumes }: { readonly claims: Lister<PersistentVolumeClaim>; readonly volumes: Lister<PersistentVolume> },
  ) {
    this.#clock = clock;
    const collector = new Families('pv_collector', registry);
    collector.counted(
      () => countsBy(volumes.list(), ({ spec }) => [pluginOf(spec) ?? 'N/A', spec.volumeMode ?? 'Filesystem']),
      'total_pv_count',
      'ALPHA',
      'Volumes.',
      'plugin_name',
      'volume_mode',
    );
    for (const [state, isBound] of [
      ['bound', true],
      ['unbound', false],
    ] as const) {
      collector.counted(
        () =>
          countsBy(
            volumes.list().filter(({ status }) => (status?.phase === 'Bound') === isBound),
            ({ spec }) => [spec.storageClassName ?? ''],
          ),
        `${state}_pv_count`,
        'ALPHA',
        `Volumes that are ${state}.`,
        'storage_class',
      );
      collector.counted(
        () =>
          countsBy(
            claims.list().filter(({ status }) => (status?.phase === 'Bound') === isBound),
            (claim) => [claim.metadata.namespace!, claimClass(claim), claim.spec.volumeAttributesClassName ?? ''],
          ),
        `${state}_pvc_count`,
        'ALPHA',
        `Claims that are ${state}.`,
        'namespace',
        'storage_class',
        'volume_attributes_class',
      );
    }
    const families = new Families('', registry);
    const operation = ['plugin_name', 'operation_name'];
    this.#seconds = families.histogram(
      SECONDS,
      'volume_operation_total_seconds',
      'ALPHA',
      'How long it took until a volume was there, or gone.',
      ...operation,
    );
    const errors = (name: string) => families.counter(name, 'ALPHA', 'Failed operations on volumes.', ...operation);
    this.#errors = errors('volume_operation_errors_total');
    this.#deprecatedErrors = errors('volume_operation_total_errors');
    const classified = (name: string, help: string) =>
      families.counter(`retroactive_storageclass_${name}`, 'ALPHA', help);
    this.#classified = classified('total', 'Claims that were to get the default class later.');
    this.#classifiedErrors = classified('errors_total', 'Those that did not.');
  }

  /** Somebody outside is asked to do something; asking again changes nothing. */
  began(key: string, plugin: string, name: Operation['name']): void {
    if (!this.#operations.has(key)) this.#operations.set(key, { plugin, name, startedAt: this.#clock.now() });
  }

  /** What was asked for is there, or gone. */
  ended(key: string): void {
    const operation = this.#operations.get(key);
    if (!operation) return;
    this.#operations.delete(key);
    const { plugin, name, startedAt } = operation;
    this.#seconds.with(plugin, name).observe((this.#clock.now() - startedAt) / 1000);
  }

  failed(key: string): void {
    const operation = this.#operations.get(key);
    if (!operation) return;
    for (const errors of [this.#errors, this.#deprecatedErrors]) errors.with(operation.plugin, operation.name).inc();
  }

  /** @throws what `last`, the last step of an operation, throws */
  async ending(key: string, last: () => Promise<void>): Promise<void> {
    try {
      await last();
      this.ended(key);
    } catch (error) {
      this.failed(key);
      throw error;
    }
  }

  /** @throws what `write` throws */
  async classified(write: () => Promise<unknown>): Promise<void> {
    this.#classified.with().inc();
    try {
      await write();
    } catch (error) {
      this.#classifiedErrors.with().inc();
      throw error;
    }
  }
}
