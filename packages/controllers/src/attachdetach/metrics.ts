/** What is counted of attached volumes (pkg/controller/volume/attachdetach/metrics). */
import type { Pod } from '@keelson/api/generated/types/core/v1';
import type { Lister } from '@keelson/client';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import { countsBy, Families } from '../metrics.ts';
import { pluginOf } from '../persistentvolume/plugins.ts';
import { type Desired, type Known, volumeOf } from './desired.ts';
import type { Stores } from './places.ts';

/** Volumes of others are at hand on each node. */
const ATTACHABLE = /^kubernetes\.io\/(csi:|fc$|iscsi$)/;

export class AttachMetrics {
  readonly #forced;

  constructor(
    registry: MetricsRegistry | undefined,
    {
      pods,
      desired,
      known,
      stores,
    }: {
      readonly pods: Lister<Pod>;
      readonly desired: Desired;
      readonly known: Known;
      readonly stores: Stores;
    },
  ) {
    new Families('storage_count', registry).counted(
      () => countsBy(inUse(pods, known), (labels) => labels),
      'attachable_volumes_in_use',
      'ALPHA',
      'Volumes that pods on nodes use.',
      'node',
      'volume_plugin',
    );
    new Families('attachdetach_controller', registry).counted(
      () => countsBy(volumes(desired, stores), (labels) => labels),
      'total_volumes',
      'ALPHA',
      'Volumes that are to be attached, and those that are.',
      'plugin_name',
      'state',
    );
    this.#forced = new Families('attach_detach_controller', registry).counter(
      'attachdetach_controller_forced_detaches',
      'ALPHA',
      'Volumes that were detached though their node may have had them mounted.',
      'reason',
    );
  }

  forced(reason: 'timeout' | 'out-of-service'): void {
    this.#forced.with(reason).inc();
  }
}

function* inUse(pods: Lister<Pod>, known: Known): Iterable<readonly [node: string, plugin: string]> {
  for (const pod of pods.values()) {
    if (!pod.spec.nodeName) continue;
    for (const volume of pod.spec.volumes ?? []) {
      const plugin = pluginOf(volumeOf(pod, volume, known)?.spec ?? volume);
      if (plugin && ATTACHABLE.test(plugin)) yield [pod.spec.nodeName, plugin];
    }
  }
}

function* volumes(
  desired: Desired,
  { attachments, volumes }: Stores,
): Iterable<readonly [plugin: string, state: string]> {
  for (const { spec } of desired.attached()) yield [pluginOf(spec) ?? 'N/A', 'desired_state_of_world'];
  for (const { spec, status } of attachments.values()) {
    const volume = volumes.get(spec.source.persistentVolumeName ?? '');
    if (status?.attached && volume) yield [pluginOf(volume.spec) ?? 'N/A', 'actual_state_of_world'];
  }
}
