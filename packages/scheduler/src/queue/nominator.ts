import type { Pod } from '@keelson/api/generated/types/core/v1';
import type { Nominations } from '../framework/plugin.ts';
import type { PodInfo } from '../pods/pod-info.ts';

/** Which pods without a node are to get which node, once there is room. They are counted there already. */
export class Nominator implements Nominations {
  readonly #byNode = new Map<string, Map<string, PodInfo>>();
  readonly #nodeOf = new Map<string, string>();
  /** The pod as it is now. */
  readonly #current: (key: string) => Pod | undefined;

  constructor(current: (key: string) => Pod | undefined) {
    this.#current = current;
  }

  on(nodeName: string): readonly PodInfo[] {
    const pods = this.#byNode.get(nodeName);
    return pods ? [...pods.values()] : NONE;
  }

  /** @param nodeName what the scheduler has decided; without it, what the pod says itself */
  put(pod: PodInfo, nodeName: string | undefined): void {
    this.remove(pod.uid);
    const node = nodeName ?? pod.pod.status.nominatedNodeName ?? '';
    const current = this.#current(pod.key);
    if (node === '' || !current || current.spec.nodeName) return;
    this.#nodeOf.set(pod.uid, node);
    const there = this.#byNode.get(node);
    if (there) there.set(pod.uid, pod);
    else this.#byNode.set(node, new Map([[pod.uid, pod]]));
  }

  /** The pod has changed. What was decided stays, unless the pod says or has said another. */
  update(old: Pod, pod: PodInfo): void {
    const silent = !old.status.nominatedNodeName && !pod.pod.status.nominatedNodeName;
    this.put(pod, silent ? this.#nodeOf.get(pod.uid) : undefined);
  }

  remove(uid: string): void {
    const node = this.#nodeOf.get(uid);
    if (node === undefined) return;
    this.#nodeOf.delete(uid);
    const there = this.#byNode.get(node);
    there?.delete(uid);
    if (there?.size === 0) this.#byNode.delete(node);
  }
}

const NONE: readonly PodInfo[] = [];
