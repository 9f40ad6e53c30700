/** Which devices a container gets of a resource (devicesToAllocate in pkg/kubelet/cm/devicemanager/manager.go). */

export interface DeviceRequest {
  readonly uid: string;
  readonly container: string;
  readonly resource: string;
  readonly count: number;
}

export interface Supply {
  /** What the container holds already; undefined where it holds nothing of the resource. */
  readonly held: ReadonlySet<string> | undefined;
  /** What init containers of the pod hold, that have ended before this container begins. */
  readonly reusable: ReadonlySet<string>;
  /** Undefined where no plugin has the resource. */
  readonly healthy: ReadonlySet<string> | undefined;
  /** What containers hold. */
  readonly taken: ReadonlySet<string>;
  /** It has run since before this kubelet, which has not seen all its pods yet: whatever it needs it has. */
  readonly runs: boolean;
  /** 0 for a device that is where it should be; those with less come first. Without it, none is nearer than another. */
  nearness?(id: string): number;
  /** What the plugin would take of `available`; `must` is among it. Undefined where it has no preference. */
  prefer(available: string[], must: string[], count: number): Promise<readonly string[] | undefined>;
}

/**
 * @returns devices to ask the plugin for, sorted; none where there is nothing to ask for
 * @throws Error why there are none, in upstream's words
 */
export async function chooseDevices(
  { uid, container, resource, count }: DeviceRequest,
  { held, reusable, healthy, taken, runs, prefer, nearness = () => 1 }: Supply,
): Promise<string[]> {
  if (held && held.size !== count) {
    throw new Error(
      `pod "${uid}" container "${container}" changed request for resource "${resource}" from ${held.size} to ${count}`,
    );
  }
  if (runs) return [];
  // Whether there are healthy ones comes before how many are needed: after a reboot plugins come later than pods.
  if (!healthy) throw new Error(`cannot allocate unregistered device ${resource}`);
  if (healthy.size === 0) {
    throw new Error(`no healthy devices present; cannot allocate unhealthy devices ${resource}`);
  }
  if (held && [...held].some((id) => !healthy.has(id))) {
    throw new Error(
      `previously allocated devices are no longer healthy; cannot allocate unhealthy devices ${resource}`,
    );
  }
  if (held || count === 0) return [];

  const chosen = new Set([...reusable].sort().slice(0, count));
  const missing = count - chosen.size;
  if (missing === 0) return [...chosen];
  const available = [...healthy].filter((id) => !taken.has(id)).sort();
  if (available.length < missing) {
    throw new Error(
      `requested number of devices unavailable for ${resource}. Requested: ${missing}, Available: ${available.length}`,
    );
  }
  const near = available.filter((id) => nearness(id) === 0);
  const isEnough = missing < near.length;
  if (!isEnough) for (const id of near) chosen.add(id);
  if (chosen.size === count) return [...chosen].sort();
  const pool = isEnough ? near : available;
  const preferred = await prefer([...new Set([...pool, ...chosen])].sort(), [...chosen], count);
  const byNearness = [...pool].sort((a, b) => nearness(a) - nearness(b));
  const inOrder = [...(preferred ?? []).filter((id) => pool.includes(id)), ...byNearness];
  for (const id of inOrder) if (chosen.size < count) chosen.add(id);
  return [...chosen].sort();
}
