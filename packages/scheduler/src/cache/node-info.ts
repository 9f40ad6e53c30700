import type { Node } from '@keelson/api/generated/types/core/v1';
import type { PodInfo } from '../pods/pod-info.ts';
import { amountsOf } from '../pods/requests.ts';
import { Resources } from '../pods/resources.ts';
import { HostPorts } from './host-ports.ts';

/** An image, on how many nodes it is. */
export interface ImageState {
  readonly size: number;
  /** Names of the nodes that have it. */
  readonly nodes: ReadonlySet<string>;
}

/** A node with its pods, and sums over them that are kept up as pods come and go. */
export class NodeInfo {
  readonly name: string;
  /** Its place among the nodes of the snapshot. */
  index = -1;
  /** Absent while pods are known of a node that is not. */
  node: Node | undefined;
  pods: PodInfo[] = [];
  podsWithAffinity: PodInfo[] = [];
  podsWithRequiredAntiAffinity: PodInfo[] = [];
  requested = new Resources();
  /** Thousandths of a CPU, with what pods that say nothing are taken to need. */
  nonZeroCpu = 0;
  /** Bytes, likewise. */
  nonZeroMemory = 0;
  allocatable = new Resources();
  ports = new HostPorts();
  images: ReadonlyMap<string, ImageState> = new Map();
  /** How many pods use a claim, by the claim's key. */
  claims = new Map<string, number>();

  constructor(name: string) {
    this.name = name;
  }

  setNode(node: Node): void {
    this.node = node;
    this.allocatable = Resources.of(amountsOf(node.status.allocatable));
  }

  addPod(pod: PodInfo): void {
    this.pods.push(pod);
    if (pod.hasAffinity) this.podsWithAffinity.push(pod);
    if (pod.hasRequiredAntiAffinity) this.podsWithRequiredAntiAffinity.push(pod);
    this.#account(pod, 1);
  }

  /** @returns the pod as it was added, if it was */
  removePod(uid: string): PodInfo | undefined {
    const pod = takeOut(this.pods, uid);
    if (!pod) return undefined;
    if (pod.hasAffinity) takeOut(this.podsWithAffinity, uid);
    if (pod.hasRequiredAntiAffinity) takeOut(this.podsWithRequiredAntiAffinity, uid);
    this.#account(pod, -1);
    return pod;
  }

  clone(): NodeInfo {
    const copy = new NodeInfo(this.name);
    copy.assign(this);
    copy.index = this.index;
    return copy;
  }

  /** Becomes as the other is; later changes of either leave the other alone. */
  assign(other: NodeInfo): void {
    this.node = other.node;
    this.pods = other.pods.slice();
    this.podsWithAffinity = other.podsWithAffinity.slice();
    this.podsWithRequiredAntiAffinity = other.podsWithRequiredAntiAffinity.slice();
    this.requested = other.requested.clone();
    this.nonZeroCpu = other.nonZeroCpu;
    this.nonZeroMemory = other.nonZeroMemory;
    this.allocatable = other.allocatable;
    this.ports = other.ports.clone();
    this.images = other.images;
    this.claims = new Map(other.claims);
  }

  #account(pod: PodInfo, sign: 1 | -1): void {
    this.requested.add(pod.requests, sign);
    this.nonZeroCpu += sign * pod.nonZeroRequests.milliCpu;
    this.nonZeroMemory += sign * pod.nonZeroRequests.memory;
    for (const port of pod.hostPorts) {
      if (sign > 0) this.ports.add(port);
      else this.ports.remove(port);
    }
    for (const claim of pod.claims) {
      const uses = (this.claims.get(claim) ?? 0) + sign;
      if (uses > 0) this.claims.set(claim, uses);
      else this.claims.delete(claim);
    }
  }
}

/** The last takes the place of the one that goes. */
function takeOut(pods: PodInfo[], uid: string): PodInfo | undefined {
  const at = pods.findIndex((pod) => pod.uid === uid);
  if (at < 0) return undefined;
  const taken = pods[at];
  const last = pods.pop()!;
  if (at < pods.length) pods[at] = last;
  return taken;
}
