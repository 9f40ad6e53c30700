import type { Container, Node, Pod } from '@keelson/api/generated/types/core/v1';

let serial = 0;

type Requests = Record<string, string>;

export interface PodParts {
  readonly requests?: Requests;
  readonly labels?: Record<string, string>;
  readonly spec?: Partial<Pod['spec']>;
  readonly status?: Partial<Pod['status']>;
  readonly metadata?: Pod['metadata'];
}

export function container(requests: Requests = {}, more: Partial<Container> = {}): Container {
  return { name: 'c', image: 'image', resources: { requests }, ...more };
}

/** A pod with one container, in `default` unless it says otherwise. */
export function makePod(name: string, { requests, labels, spec, status, metadata }: PodParts = {}): Pod {
  serial += 1;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace: 'default', name, uid: `uid-${serial}`, ...(labels ? { labels } : {}), ...metadata },
    spec: { schedulerName: 'default-scheduler', containers: [container(requests)], ...spec },
    status: { ...status },
  };
}

export interface NodeParts {
  readonly allocatable?: Requests;
  readonly labels?: Record<string, string>;
  readonly spec?: Partial<Node['spec']>;
  readonly status?: Partial<Node['status']>;
}

/** A node with 4 CPUs, 8 GiB and room for 110 pods, unless it says otherwise. */
export function makeNode(name: string, { allocatable, labels, spec, status }: NodeParts = {}): Node {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, uid: `uid-${name}`, labels: { 'kubernetes.io/hostname': name, ...labels } },
    spec: { ...spec },
    status: { allocatable: { cpu: '4', memory: '8Gi', pods: '110', ...allocatable }, ...status } as Node['status'],
  };
}
