export type { CniSettings } from './cni.ts';
export { type Kernel, systemKernel } from './kernel.ts';
export { type PodNetworkOptions, removePodNetwork, startPodNetwork } from './pod-network.ts';
export { type PoliciesOptions, startPolicies } from './policies/policies.ts';
export { NetworkStatus } from './status.ts';
export type { TunnelSettings } from './tunnel-settings.ts';
