/** What a node that lives long has to look after: images that nothing uses, and what it runs out of. */
import type { Pod } from '@keelson/api/generated/types/core/v1';
import type { EventRecorder, World } from '@keelson/client';
import { Counter } from '@keelson/component/metrics/families';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import type { MachineFigures } from './eviction/figures.ts';
import { EVICTED, EvictionManager, type EvictionPolicy } from './eviction/manager.ts';
import { DEFAULT_HARD, parseThresholds } from './eviction/thresholds.ts';
import { type ImageCollectionPolicy, ImageCollector } from './images/collector.ts';
import { withDefaultTag } from './images/reference.ts';
import { nodeReference } from './node/agent.ts';
import type { Pressure } from './node/description.ts';
import type { Rejection } from './pods/admission.ts';
import type { PodManager } from './pods/manager.ts';
import type { Runtime } from './runtime/runtime.ts';

/** As the kubelet's own defaults. */
export const EVICTION: EvictionPolicy = {
  thresholds: parseThresholds({ hard: DEFAULT_HARD }),
  transitionMs: 5 * 60_000,
  maxGraceSeconds: 0,
  limitStorage: true,
};

export interface HousekeepingOptions {
  readonly world: World;
  readonly recorder: EventRecorder;
  readonly nodeName: string;
  readonly runtime: Runtime;
  readonly figures: MachineFigures;
  readonly images: ImageCollectionPolicy;
  /** Told of the images that are there. */
  readonly imagesSeen?: (ids: readonly string[], at: number) => void;
  readonly eviction: EvictionPolicy;
  readonly metrics?: MetricsRegistry | undefined;
  manager(): PodManager;
  /** The node has other things to say of itself. */
  changed(): void;
}

export interface Housekeeping {
  readonly collector: ImageCollector;
  pressures(): readonly Pressure[];
  admit(pod: Pod): Rejection | undefined;
  start(): void;
  stop(): void;
}

/** Who ends pods and removes images when the machine runs short of something. Nothing is begun yet. */
export function housekeepingOf(options: HousekeepingOptions): Housekeeping {
  const { world, recorder, nodeName, runtime, figures, manager, changed, metrics } = options;
  const node = nodeReference(nodeName);
  const [collected, evictions] = counters(metrics);
  const collector = new ImageCollector({
    runtime,
    world,
    recorder,
    node,
    policy: options.images,
    ...(options.imagesSeen ? { seen: options.imagesSeen } : {}),
    filesystem: async () => {
      const found = await figures.imageFilesystem();
      if (!found) throw new Error('failed to get imageFs info: the runtime does not say where images are');
      return found;
    },
    mounted: () => manager().pods().flatMap(imageVolumes),
    removed: (why) => collected.with(why).inc(),
  });
  const eviction = new EvictionManager({
    world,
    recorder,
    node,
    policy: options.eviction,
    figures: () => figures.of(manager().active()),
    pods: () => manager().active(),
    evict: (pod, how) => manager().evict(pod.metadata.uid!, { ...how, reason: EVICTED }),
    isFinished: (uid) => (manager().worker(uid)?.state.phase ?? 'finished') === 'finished',
    reclaim: { containers: () => manager().removeEnded(), images: () => collector.removeUnused() },
    changed,
    evicted: (signal) => evictions.with(signal).inc(),
  });
  return {
    collector,
    pressures: () => eviction.pressures,
    admit: (pod) => eviction.admit(pod),
    start: () => eviction.start(),
    stop: () => eviction.stop(),
  };
}

function counters(metrics: MetricsRegistry | undefined): [collected: Counter, evictions: Counter] {
  const collected = new Counter({
    name: 'kubelet_image_garbage_collected_total',
    help: 'Images that were removed as nothing used them, by reason: age or space.',
    stability: 'ALPHA',
    labels: ['reason'],
  });
  const evictions = new Counter({
    name: 'kubelet_evictions',
    help: 'Pods that were evicted, by the signal for which.',
    stability: 'ALPHA',
    labels: ['eviction_signal'],
  });
  metrics?.register(collected);
  metrics?.register(evictions);
  return [collected, evictions];
}

function imageVolumes({ spec }: Pod): string[] {
  return (spec?.volumes ?? []).flatMap(({ image }) => {
    const reference = image?.reference;
    if (!reference) return [];
    try {
      return [withDefaultTag(reference), `docker.io/library/${withDefaultTag(reference)}`];
    } catch {
      return [];
    }
  });
}
