/** What a kubelet looks after from time to time, whatever happens. */
import type { World } from '@keelson/client';
import type { Tracing } from '@keelson/component/tracing/index';
import type { Cgroups } from './cgroups/start.ts';
import type { ClaimManager } from './claims/manager.ts';
import type { ImageCollector } from './images/collector.ts';
import { type LogRotation, type RotationPolicy, rotateLog } from './logs/rotation.ts';
import type { RuntimeHealth } from './node/runtime-health.ts';
import type { PodManager } from './pods/manager.ts';
import { uidOf } from './pods/spec.ts';
import type { Runtime } from './runtime/runtime.ts';

const RUNTIME_CHECK_MS = 5_000;
const ORPHANS_MS = 60_000;
/** How often it is noted which images are used, and how often those go that have to. */
const IMAGES_MS = 5 * 60_000;
const CLAIMS_MS = 60_000;
const CGROUPS_MS = 60_000;
/** Mirrors that could not be made, for lack of an API server perhaps, are tried again. */
const MIRRORS_MS = 3_000;

export interface UpkeepOptions {
  readonly world: World;
  readonly runtime: Runtime;
  readonly health: RuntimeHealth;
  readonly manager: PodManager;
  readonly images: ImageCollector;
  readonly claims: ClaimManager;
  readonly rotation: LogRotation;
  readonly tracing: Tracing | undefined;
  readonly cgroups: Pick<Cgroups, 'update'>;
  readonly exclusive: { readonly everyMs: number; reconcile(): Promise<void> };
  /** The runtime is well again, or no longer. */
  healthChanged(): Promise<void>;
}

/** @returns ends it */
export function startUpkeep(options: UpkeepOptions): () => void {
  const { world, runtime, health, manager, images, claims, rotation, cgroups, exclusive, healthChanged, tracing } =
    options;
  const collect = () => images.collectAndTell();
  const collected = () => (tracing ? tracing.root('Images/GarbageCollect', {}, collect) : collect());
  const cancels = [
    repeatedly(world, IMAGES_MS, async () => void (await (images.isOn ? collected() : images.detect()))),
    repeatedly(world, RUNTIME_CHECK_MS, async () => {
      if (await health.check()) await healthChanged();
    }),
    repeatedly(world, exclusive.everyMs, () => exclusive.reconcile()),
    repeatedly(world, CGROUPS_MS, () => cgroups.update()),
    repeatedly(world, ORPHANS_MS, () => manager.removeOrphans()),
    repeatedly(world, CLAIMS_MS, () => {
      const active = new Set(manager.holders().map(uidOf));
      return claims.reconcile((uid) => active.has(uid));
    }),
    repeatedly(world, MIRRORS_MS, async () => manager.reconcileMirrors()),
    repeatedly(world, rotation.everyMs, () => rotateLogs(world, runtime, manager, rotation)),
  ];
  return () => {
    for (const cancel of cancels) cancel();
  };
}

async function rotateLogs(
  world: World,
  runtime: Runtime,
  manager: PodManager,
  rotation: RotationPolicy,
): Promise<void> {
  const stamp = new Date(world.clock.now()).toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-');
  for (const pod of manager.pods()) {
    for (const container of (await runtime.pod(uidOf(pod))).containers) {
      await rotateLog(container, (id) => runtime.reopenLog(id), stamp, rotation).catch((error) =>
        world.log.warn({ container: container.id, error }, 'Could not rotate a log'),
      );
    }
  }
}

/** @returns ends it */
function repeatedly(world: World, ms: number, work: () => Promise<void>): () => void {
  let [stopped, cancel] = [false, () => {}];
  const again = () => {
    cancel = world.clock.after(
      ms,
      () => {
        work()
          .catch((error) => world.log.warn({ error }, 'What the kubelet looks after regularly failed'))
          .finally(() => !stopped && again());
      },
      { background: true },
    );
  };
  again();
  return () => {
    stopped = true;
    cancel();
  };
}
