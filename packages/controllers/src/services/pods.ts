/** Which pods a service leads to, and by which ports (staging/src/k8s.io/endpointslice/util). */
import type { Pod, Service, ServicePort } from '@keelson/api/generated/types/core/v1';
import { type Handler, type Informer, storeKey } from '@keelson/client';
import { isReady, isTerminal } from '../pods/state.ts';

/** Whether the selector of a service, which is not empty, fits labels. */
export function selects({ spec }: Service, labels: Readonly<Record<string, string>> = {}): boolean {
  const selector = Object.entries(spec.selector ?? {});
  return selector.length > 0 && selector.every(([key, value]) => labels[key] === value);
}

/** It has an address and runs. */
export function isReachable(pod: Pod): boolean {
  return !isTerminal(pod) && (Boolean(pod.status.podIP) || (pod.status.podIPs?.length ?? 0) > 0);
}

export function addressesOf({ status }: Pod, family: 'IPv4' | 'IPv6'): string[] {
  const all = status.podIPs?.map(({ ip }) => ip) ?? (status.podIP ? [status.podIP] : []);
  return all.filter((ip) => ip.includes(':') === (family === 'IPv6'));
}

/** Whether a headless service may call the pod by its hostname. */
export function hasHostnameIn({ metadata, spec }: Pod, service: Service): boolean {
  return (
    Boolean(spec.hostname) &&
    spec.subdomain === service.metadata.name &&
    service.metadata.namespace === metadata.namespace
  );
}

/** The number that a service's port has in a pod; undefined when none of its containers names it. */
export function targetPort({ spec }: Pod, { targetPort: target, protocol, port }: ServicePort): number | undefined {
  if (typeof target === 'number') return target;
  if (target === undefined) return port;
  const sidecars = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always');
  for (const { ports = [] } of [...(spec.containers ?? []), ...sidecars]) {
    const found = ports.find((each) => each.name === target && (each.protocol ?? 'TCP') === protocol);
    if (found) return found.containerPort;
  }
  return undefined;
}

export function isHeadless({ spec }: Service): boolean {
  return !spec.clusterIP || spec.clusterIP === 'None';
}

/** Tells of the services that a change of a pod concerns. */
export function podHandler(services: Informer<Service>, concerned: (key: string) => void): Handler<Pod> {
  const tell = (...pods: readonly Pod[]) => {
    for (const service of services.store.list(pods[0]!.metadata.namespace)) {
      if (pods.some(({ metadata }) => selects(service, metadata.labels))) concerned(storeKey(service));
    }
  };
  return {
    added: (pod) => tell(pod),
    updated: (before, after) => {
      const moved = JSON.stringify(before.metadata.labels) !== JSON.stringify(after.metadata.labels);
      if (moved) tell(before, after);
      else if (shown(before) !== shown(after)) tell(after);
    },
    deleted: (pod) => tell(pod),
  };
}

/** What of a pod can be seen in endpoints. */
function shown(pod: Pod): string {
  const { metadata, spec, status } = pod;
  const { nodeName, hostname, subdomain } = spec;
  const isLeaving = metadata.deletionTimestamp !== undefined;
  return JSON.stringify([
    isLeaving,
    status.phase,
    status.podIP,
    status.podIPs,
    isReady(pod),
    nodeName,
    hostname,
    subdomain,
  ]);
}
