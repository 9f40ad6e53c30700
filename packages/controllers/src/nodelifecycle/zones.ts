/**
 * How fast nodes of a zone may be tainted for eviction. Where most of a zone is gone, it is the network rather than the nodes,
 * and where all of the cluster is, it is this process (pkg/controller/nodelifecycle, handleDisruption).
 */

export interface ZoneSettings {
  /** Nodes a second that are tainted in a zone that is well. */
  readonly evictionRate: number;
  /** The same where much of a large zone is not ready; a small one then has none tainted. */
  readonly secondaryEvictionRate: number;
  readonly largeClusterSize: number;
  /** The share of nodes not ready from which on a zone is not well. */
  readonly unhealthyThreshold: number;
}

export type ZoneState = 'normal' | 'partial' | 'full';

export function stateOf(ready: number, notReady: number, { unhealthyThreshold }: ZoneSettings): ZoneState {
  if (ready === 0 && notReady > 0) return 'full';
  return notReady > 2 && notReady / (ready + notReady) >= unhealthyThreshold ? 'partial' : 'normal';
}

/** @param allGone no zone of the cluster has a ready node. @returns nodes a second; 0: none */
export function rateOf(state: ZoneState, size: number, allGone: boolean, settings: ZoneSettings): number {
  if (allGone) return 0;
  if (state !== 'partial') return settings.evictionRate;
  return size > settings.largeClusterSize ? settings.secondaryEvictionRate : 0;
}

/** Hands out turns at a rate that may change: one at once, the next when it is due. */
export class Pace {
  #next = 0;

  /** @returns whether it is somebody's turn now, which is then taken. @param rate a second */
  take(rate: number, now: number): boolean {
    if (rate <= 0 || now < this.#next) return false;
    this.#next = now + 1000 / rate;
    return true;
  }
}
