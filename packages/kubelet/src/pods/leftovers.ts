/** What is left at the runtime of pods that have ended, or that are nobody's. */
import type { PodListing, Runtime } from '../runtime/runtime.ts';

/** Removes the sandboxes of a pod whose containers have ended. @throws Error of the runtime */
export async function removeSandboxes(runtime: Runtime, uid: string): Promise<void> {
  for (const { id } of (await runtime.pod(uid)).sandboxes) await runtime.removeSandbox(id);
}

/** Ends a pod that has no worker. @throws Error of the runtime, which keeps what could not be removed */
export async function endOrphan(runtime: Runtime, { sandboxes, containers }: PodListing): Promise<void> {
  // One whose start was cut short may run though the runtime does not say so.
  const alive = containers.filter(({ state }) => state !== 'exited');
  await Promise.allSettled(alive.map(({ id }) => runtime.stopContainer(id, STOP_SECONDS)));
  for (const { id } of sandboxes) {
    await runtime.stopSandbox(id);
    await runtime.removeSandbox(id);
  }
}

const STOP_SECONDS = 30;
