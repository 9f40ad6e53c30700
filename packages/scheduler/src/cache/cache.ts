/**
 * What runs where, as far as the scheduler knows: what informers told, and pods that it has given a node itself and whose
 * binding it has not seen yet (pkg/scheduler/backend/cache/cache.go).
 *
 *     assume ──▶ assumed ──add (seen with its node)──▶ added ──remove──▶ gone
 *                   └──────forget (binding failed)──▶ gone
 */
import type { Node } from '@keelson/api/generated/types/core/v1';
import type { PodInfo } from '../pods/pod-info.ts';
import { Images } from './images.ts';
import { NodeInfo } from './node-info.ts';
import { NodeTree } from './node-tree.ts';
import type { Snapshot } from './snapshot.ts';

interface Placement {
  readonly pod: PodInfo;
  readonly node: string;
  readonly assumed: boolean;
}

export class Cache {
  readonly #nodes = new Map<string, NodeInfo>();
  readonly #placements = new Map<string, Placement>();
  readonly #tree = new NodeTree();
  readonly #images = new Images();
  /** Names of nodes that have changed since the last snapshot. */
  readonly #changed = new Set<string>();
  #reordered = false;
  #assumed = 0;

  get nodeCount(): number {
    return this.#nodes.size;
  }
  get podCount(): number {
    return this.#placements.size;
  }
  get assumedCount(): number {
    return this.#assumed;
  }

  /** A node has come or has changed. */
  putNode(node: Node): void {
    const info = this.#info(node.metadata.name!);
    if (info.node) {
      this.#reordered = this.#tree.update(info.node, node) || this.#reordered;
      this.#images.remove(info.node);
    } else {
      this.#tree.add(node);
      this.#reordered = true;
    }
    info.setNode(node);
    info.images = this.#images.add(node);
    this.#changed.add(info.name);
  }

  removeNode(name: string): void {
    const info = this.#nodes.get(name);
    if (!info?.node) return;
    this.#tree.remove(info.node);
    this.#reordered = true;
    this.#images.remove(info.node);
    info.node = undefined;
    this.#touched(info);
  }

  /** The scheduler has given the pod a node. @throws Error when the pod is known with a node already */
  assume(pod: PodInfo): void {
    if (this.#placements.has(pod.uid)) {
      throw new Error(`pod ${pod.uid}(${pod.key}) is in the cache, so can't be assumed`);
    }
    this.#place(pod, true);
  }

  /** The pod does not get the node after all. */
  forget(uid: string): void {
    if (this.#placements.get(uid)?.assumed) this.#displace(uid);
  }

  isAssumed(uid: string): boolean {
    return this.#placements.get(uid)?.assumed ?? false;
  }

  /** The pod with the node that it was given or has. */
  getPod(uid: string): PodInfo | undefined {
    return this.#placements.get(uid)?.pod;
  }

  /** A pod was seen with its node, or has changed. */
  putPod(pod: PodInfo): void {
    this.#displace(pod.uid);
    this.#place(pod, false);
  }

  removePod(uid: string): void {
    this.#displace(uid);
  }

  /** Brings a snapshot up to date, which is always the same one: only what has changed since is copied. */
  updateSnapshot(snapshot: Snapshot): void {
    if (this.#changed.size === 0 && !this.#reordered) return;
    const changed = Array.from(this.#changed, (name) => [name, this.#nodes.get(name)] as const);
    snapshot.update(changed, this.#reordered ? this.#tree.list() : undefined);
    this.#changed.clear();
    this.#reordered = false;
  }

  #info(name: string): NodeInfo {
    let info = this.#nodes.get(name);
    if (!info) {
      info = new NodeInfo(name);
      this.#nodes.set(name, info);
    }
    return info;
  }

  #place(pod: PodInfo, assumed: boolean): void {
    const node = pod.pod.spec.nodeName!;
    const info = this.#info(node);
    info.addPod(pod);
    this.#placements.set(pod.uid, { pod, node, assumed });
    if (assumed) this.#assumed += 1;
    this.#changed.add(node);
  }

  #displace(uid: string): void {
    const placement = this.#placements.get(uid);
    if (!placement) return;
    this.#placements.delete(uid);
    if (placement.assumed) this.#assumed -= 1;
    const info = this.#nodes.get(placement.node);
    info?.removePod(uid);
    if (info) this.#touched(info);
  }

  /** A node that is gone is forgotten with its last pod. */
  #touched(info: NodeInfo): void {
    if (!info.node && info.pods.length === 0) this.#nodes.delete(info.name);
    this.#changed.add(info.name);
  }
}
