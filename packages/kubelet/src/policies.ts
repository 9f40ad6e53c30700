/** What a kubelet may be set to, without the kubelet itself. */
export type { EvictionPolicy } from './eviction/manager.ts';
export { DEFAULT_HARD, parseThresholds } from './eviction/thresholds.ts';
export type { ImageCollectionPolicy } from './images/collector.ts';
export type { LogRotation } from './logs/rotation.ts';
