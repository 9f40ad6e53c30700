import type { NodeInfo } from '../cache/node-info.ts';
import type { PodInfo } from '../pods/pod-info.ts';
import type { Verdicts } from './verdicts.ts';

/** Programs outside that have a say. */
export interface Extenders {
  /** @returns the nodes that are left @throws Error when one that counts cannot be asked */
  filter(pod: PodInfo, nodes: NodeInfo[], verdicts: Verdicts): Promise<NodeInfo[]>;
  /** Adds to the nodes' scores. */
  prioritize(pod: PodInfo, nodes: readonly NodeInfo[], total: Float64Array): Promise<void>;
  /** @returns whether one of them has bound the pod */
  bind(pod: PodInfo, nodeName: string, signal: AbortSignal): Promise<boolean>;
}
