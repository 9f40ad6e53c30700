/** The pods of a node as their sources have them: also those that the node does not take. */
import type { Pod } from '@keelson/api/generated/types/core/v1';
import { isMirrorOf, type MirrorPods } from '../sources/mirror.ts';
import { fullName, isStatic, uidOf } from './spec.ts';

/** Static pods are known here, and their mirrors to the API server: this sees to it that each has one, and that there are no others. */
export class KnownPods {
  readonly #pods = new Map<string, Pod>();
  /** By full name. */
  readonly #mirrors = new Map<string, Pod>();
  readonly #writer: MirrorPods | undefined;

  /** @param writer of mirrors; none where there are no static pods */
  constructor(writer: MirrorPods | undefined) {
    this.#writer = writer;
  }

  /** Mirrors left out. */
  all(): Iterable<Pod> {
    return this.#pods.values();
  }

  get(uid: string): Pod | undefined {
    return this.#pods.get(uid);
  }

  has(uid: string): boolean {
    return this.#pods.has(uid);
  }

  /** By name in the API server: a mirror's is that of its static pod. @param uid of the pod, or of its mirror */
  find(namespace: string, name: string, uid?: string): Pod | undefined {
    const wanted = `${namespace}/${name}`;
    const mirror = this.#mirrors.get(wanted);
    for (const pod of this.#pods.values()) {
      if (fullName(pod) !== wanted) continue;
      if (uid === undefined || uidOf(pod) === uid || (isStatic(pod) && mirror?.metadata.uid === uid)) return pod;
    }
    return undefined;
  }

  /** What the API server has of it: of a static pod its mirror, if there is one. */
  stored(uid: string): Pod | undefined {
    const pod = this.#pods.get(uid);
    return pod && isStatic(pod) ? this.#mirrors.get(fullName(pod)) : pod;
  }

  put(pod: Pod): void {
    this.#pods.set(uidOf(pod), pod);
    if (isStatic(pod)) this.#mirror(pod);
  }

  remove(pod: Pod): void {
    this.#pods.delete(uidOf(pod));
    const mirror = this.#mirrors.get(fullName(pod));
    if (mirror && isStatic(pod)) this.#removeOrphan(mirror);
  }

  /** @returns the static pod whose mirror it is, if it is as it should be */
  putMirror(mirror: Pod): Pod | undefined {
    this.#mirrors.set(fullName(mirror), mirror);
    const pod = this.#staticOf(mirror);
    if (!pod) this.#removeOrphan(mirror);
    else if (!mirror.metadata.deletionTimestamp && isMirrorOf(mirror, pod)) return pod;
    else this.#mirror(pod);
    return undefined;
  }

  removeMirror(mirror: Pod): void {
    this.#mirrors.delete(fullName(mirror));
    const pod = this.#staticOf(mirror);
    if (pod) this.#mirror(pod);
  }

  /** What could not be done for mirrors before is tried again. */
  reconcileMirrors(): void {
    for (const pod of this.#pods.values()) if (isStatic(pod)) this.#mirror(pod);
    for (const mirror of this.#mirrors.values()) if (!this.#staticOf(mirror)) this.#removeOrphan(mirror);
  }

  #staticOf(mirror: Pod): Pod | undefined {
    return [...this.#pods.values()].find((pod) => isStatic(pod) && fullName(pod) === fullName(mirror));
  }

  #removeOrphan(mirror: Pod): void {
    void this.#writer?.remove(mirror).catch(() => {});
  }

  #mirror(pod: Pod): void {
    void this.#writer?.ensure(pod, this.#mirrors.get(fullName(pod)));
  }
}
