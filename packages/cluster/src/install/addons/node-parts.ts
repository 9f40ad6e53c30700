import { kubeProxyPart } from './kube-proxy.ts';
import type { NodePart } from './node-part.ts';
import { podNetworkPart } from './pod-network.ts';

/** All that runs on every node, beside its kubelet. */
export const nodeParts: readonly NodePart[] = [kubeProxyPart, podNetworkPart];
