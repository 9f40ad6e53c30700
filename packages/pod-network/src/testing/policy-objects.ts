/** Objects that tests of network policies speak of. */
import type { ContainerPort, Namespace, Pod } from '@keelson/api/generated/types/core/v1';
import type { NetworkPolicy, NetworkPolicySpec } from '@keelson/api/generated/types/networking/v1';

interface PodWish {
  readonly labels?: Record<string, string>;
  readonly nodeName?: string;
  readonly phase?: string;
  readonly hostNetwork?: boolean;
  readonly created?: string;
  readonly ports?: readonly Partial<ContainerPort>[];
}

const identity = (path: string) => {
  const [namespace, name] = path.split('/') as [string, string];
  return { namespace, name, uid: path };
};

/** @param path NAMESPACE/NAME */
export function pod(path: string, addresses: readonly string[], wish: PodWish = {}): Pod {
  const { labels = {}, nodeName = 'here', phase = 'Running', hostNetwork, created, ports = [] } = wish;
  const container = { name: 'main', resources: {}, ports: ports.map((port) => ({ containerPort: 0, ...port })) };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...identity(path), labels, ...(created && { creationTimestamp: created }) },
    spec: { containers: [container], nodeName, ...(hostNetwork && { hostNetwork }) },
    status: { phase, podIPs: addresses.map((ip) => ({ ip })) },
  };
}

export const namespace = (name: string, labels: Record<string, string>): Namespace => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name, uid: name, labels },
  spec: {},
  status: {},
});

/** Of all pods of its namespace, unless it says otherwise. @param path NAMESPACE/NAME */
export const policy = (path: string, spec: Partial<NetworkPolicySpec>): NetworkPolicy => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: identity(path),
  spec: { podSelector: {}, ...spec },
});
