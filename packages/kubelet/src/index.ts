export { CertificateMetrics } from './certificates/metrics.ts';
export { keepClientCertificate, keepServingCertificate } from './certificates/rotation.ts';
export { CertificateStore } from './certificates/store.ts';
export { EVICTION } from './housekeeping.ts';
export { IMAGE_COLLECTION } from './images/collector.ts';
export { startKubelet } from './kubelet.ts';
export { defaultAddresses } from './node/machine.ts';
export type { KubeletOptions } from './options.ts';
export {
  DEFAULT_HARD,
  type EvictionPolicy,
  type ImageCollectionPolicy,
  type LogRotation,
  parseThresholds,
} from './policies.ts';
export type { Runtime } from './runtime/runtime.ts';
export { RuntimeError } from './runtime/runtime.ts';
export { type SimulatedNodesOptions, startSimulatedNodes } from './runtime/simulated/nodes.ts';
export type { PodRules } from './sources/static-pod.ts';
export type { KubeletView, ServerFactory } from './view.ts';
