/** Whether a node takes a pod that is bound to it (pkg/kubelet/lifecycle/predicate.go). */
import type { Node, Pod, PodStatus } from '@keelson/api/generated/types/core/v1';
import { Quantity } from '@keelson/api/quantity';
import { isExtendedResource } from '@keelson/api/resources/names';
import { requiredNodeAffinity } from '@keelson/api/resources/node-selector';
import { isSidecar, qosClass } from '@keelson/api/resources/pod';
import { toleratesTaint } from '@keelson/api/resources/tolerations';
import { withoutClaimed } from '../claims/wanted.ts';
import { amountsOf, podRequests } from '../resources/requests.ts';
import { isStatic } from './spec.ts';

export interface Rejection {
  readonly reason: string;
  readonly message: string;
}

/** @param others pods that are here already */
export function admit(pod: Pod, node: Node, others: readonly Pod[]): Rejection | undefined {
  return (
    osMismatch(pod, node) ?? groupsPolicy(pod, node) ?? resources(pod, node, others) ?? predicates(pod, node, others)
  );
}

/** The status of a pod that the node does not take. */
export function rejectedStatus(pod: Pod, { reason, message }: Rejection): PodStatus {
  const { generation } = pod.metadata;
  return {
    ...(generation ? { observedGeneration: generation } : {}),
    phase: 'Failed',
    reason,
    message: `Pod was rejected: ${message}`,
    qosClass: qosClass(pod),
  };
}

const OS_LABEL = 'kubernetes.io/os';

function osMismatch({ metadata, spec }: Pod, node: Node): Rejection | undefined {
  const os = node.status?.nodeInfo?.operatingSystem ?? 'linux';
  const label = metadata.labels?.[OS_LABEL];
  if (label !== undefined && label !== os) {
    const message = "Failed to admit pod as the `kubernetes.io/os` label doesn't match node label";
    return { reason: 'PodOSSelectorNodeLabelDoesNotMatch', message };
  }
  if (spec?.os && spec.os.name !== os) {
    return { reason: 'PodOSNotSupported', message: "Failed to admit pod as the OS field doesn't match node OS" };
  }
  return undefined;
}

function groupsPolicy({ spec }: Pod, node: Node): Rejection | undefined {
  const strict = spec?.securityContext?.supplementalGroupsPolicy === 'Strict';
  if (!strict || node.status?.features?.supplementalGroupsPolicy) return undefined;
  return {
    reason: 'SupplementalGroupsPolicyNotSupported',
    message: 'SupplementalGroupsPolicy=Strict is not supported in this node',
  };
}

const REASONS: Record<string, string> = {
  cpu: 'OutOfcpu',
  memory: 'OutOfmemory',
  'ephemeral-storage': 'OutOfephemeral-storage',
  pods: 'OutOfpods',
};

/** The first resource that does not suffice. */
function resources(pod: Pod, node: Node, others: readonly Pod[]): Rejection | undefined {
  const allocatable = amountsOf(node.status?.allocatable);
  const count = Number(allocatable.get('pods')?.value() ?? 110n);
  if (others.length + 1 > count) return lacking('pods', 1n, BigInt(others.length), BigInt(count));
  const requests = podRequests(withoutClaimed(pod));
  const used = new Map<string, Quantity>();
  for (const other of others) {
    for (const [name, amount] of podRequests(other)) used.set(name, used.get(name)?.add(amount) ?? amount);
  }
  for (const [name, amount] of requests) {
    const capacity = allocatable.get(name);
    // What no node has is somebody else's to give.
    if (amount.isZero() || (!capacity && isExtendedResource(name))) continue;
    const taken = used.get(name) ?? ZERO;
    if (capacity && taken.add(amount).cmp(capacity) <= 0) continue;
    const of = (quantity: Quantity) => (name === 'cpu' ? quantity.milliValue() : quantity.value());
    return lacking(name, of(amount), of(taken), of(capacity ?? ZERO));
  }
  return undefined;
}

const ZERO = Quantity.parse('0');

function lacking(name: string, requested: bigint, used: bigint, capacity: bigint): Rejection {
  const message = `Node didn't have enough resource: ${name}, requested: ${requested}, used: ${used}, capacity: ${capacity}`;
  return { reason: REASONS[name] ?? `OutOf${name}`, message };
}

function predicates(pod: Pod, node: Node, others: readonly Pod[]): Rejection | undefined {
  const failed = (name: string, description: string): Rejection => ({
    reason: name,
    message: `Predicate ${name} failed: ${description}`,
  });
  if (requiredNodeAffinity(pod)?.(node) === false)
    return failed('NodeAffinity', "node(s) didn't match Pod's node affinity/selector");
  if (pod.spec?.nodeName && pod.spec.nodeName !== node.metadata.name) {
    return failed('NodeName', "node(s) didn't match the requested node name");
  }
  const taken = others.flatMap(hostPorts);
  if (hostPorts(pod).some((port) => taken.some((other) => collide(port, other)))) {
    return failed('NodePorts', "node(s) didn't have free ports for the requested pod ports");
  }
  const untolerated = (node.spec?.taints ?? []).some(
    (taint) => taint.effect === 'NoExecute' && !toleratesTaint(pod.spec?.tolerations, taint),
  );
  if (untolerated && !isStatic(pod))
    return failed('TaintToleration', "node(s) had taints that the pod didn't tolerate");
  return undefined;
}

interface HostPort {
  readonly ip: string;
  readonly protocol: string;
  readonly port: number;
}

function hostPorts({ spec }: Pod): HostPort[] {
  const containers = [...(spec?.containers ?? []), ...(spec?.initContainers ?? []).filter(isSidecar)];
  return containers.flatMap(({ ports = [] }) =>
    ports.flatMap(({ hostPort, hostIP = '', protocol = 'TCP' }) =>
      hostPort ? [{ ip: hostIP === '0.0.0.0' ? '' : hostIP, protocol, port: hostPort }] : [],
    ),
  );
}

function collide(a: HostPort, b: HostPort): boolean {
  return a.port === b.port && a.protocol === b.protocol && (a.ip === b.ip || a.ip === '' || b.ip === '');
}
