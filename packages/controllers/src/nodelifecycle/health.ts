/**
 * When a node last gave a sign of life, by the clock of this process: the clocks of nodes are not trusted. A sign is a new
 * heartbeat in its status, or a renewed lease (pkg/controller/nodelifecycle, tryUpdateNodeHealth).
 */
import type { Lease } from '@keelson/api/generated/types/coordination/v1';
import type { Node, NodeCondition } from '@keelson/api/generated/types/core/v1';
import { millisOf } from '@keelson/api/time';

/** Durations in milliseconds. */
export interface Patience {
  /** For a node that has given signs. */
  readonly graceMs: number;
  /** For a node that has not told its status yet. */
  readonly startupGraceMs: number;
}

interface Sign {
  readonly heartbeat: string | undefined;
  readonly renewTime: string | undefined;
  at: number;
}

/** Told by the control plane, not by the kubelet, is whether there is a network. */
const TOLD_BY_KUBELET = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'];

export class HealthTracker {
  readonly #patience: Patience;
  readonly #signs = new Map<string, Sign>();

  constructor(patience: Patience) {
    this.#patience = patience;
  }

  /** Takes note of what the node tells. @returns whether it has been silent for too long */
  isSilent(node: Node, lease: Lease | undefined, now: number): boolean {
    const name = node.metadata.name!;
    const ready = readyCondition(node);
    const heartbeat = ready && (ready.lastHeartbeatTime ?? '');
    const renewTime = lease?.spec.renewTime ?? undefined;
    const last = this.#signs.get(name);
    if (!last) {
      const created = node.metadata.creationTimestamp;
      this.#signs.set(name, { heartbeat, renewTime, at: ready || !created ? now : millisOf(created) });
      if (renewTime !== undefined) this.#signs.get(name)!.at = now;
    } else if (last.heartbeat !== heartbeat || (renewTime !== undefined && renewTime !== last.renewTime)) {
      this.#signs.set(name, { heartbeat, renewTime: renewTime ?? last.renewTime, at: now });
    }
    const { graceMs, startupGraceMs } = this.#patience;
    return now > this.#signs.get(name)!.at + (ready ? graceMs : startupGraceMs);
  }

  /** All nodes are given their time again, as after this process could see none of them. */
  restart(now: number): void {
    for (const sign of this.#signs.values()) sign.at = now;
  }

  forget(name: string): void {
    this.#signs.delete(name);
  }
}

export function readyCondition({ status }: Node): NodeCondition | undefined {
  return status?.conditions?.find(({ type }) => type === 'Ready');
}

/** The conditions of a node that is silent: nobody knows. @param now RFC 3339. @returns undefined when they say so already */
export function unknownConditions({ metadata, status }: Node, now: string): NodeCondition[] | undefined {
  const conditions = status?.conditions ?? [];
  let differs = false;
  const told = conditions.map((condition) => {
    if (!TOLD_BY_KUBELET.includes(condition.type) || condition.status === 'Unknown') return condition;
    differs = true;
    return {
      ...condition,
      status: 'Unknown',
      reason: 'NodeStatusUnknown',
      message: 'Kubelet stopped posting node status.',
      lastTransitionTime: now,
    };
  });
  const missing = TOLD_BY_KUBELET.filter((type) => !conditions.some((condition) => condition.type === type));
  if (!differs && missing.length === 0) return undefined;
  const never = missing.map((type) => ({
    type,
    status: 'Unknown',
    reason: 'NodeStatusNeverUpdated',
    message: 'Kubelet never posted node status.',
    lastHeartbeatTime: metadata.creationTimestamp ?? now,
    lastTransitionTime: now,
  }));
  return [...told, ...never];
}
