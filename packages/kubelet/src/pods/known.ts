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

  readonly #isEnding: (fullName: string) => boolean;

  /**
   * @param writer of mirrors; none where there are no static pods
   * @param isEnding whether a static pod of the name that its source has no more still runs: its mirror stays as long
   */
  constructor(writer: MirrorPods | undefined, isEnding: (fullName: string) => boolean) {
    this.#writer = writer;
    this.#isEnding = isEnding;
  }

  get mirrorCount(): number {
    return this.#mirrors.size;
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
    if (isStatic(pod)) this.reconcileMirror(fullName(pod));
  }

  /** Its mirror goes with `reconcileMirror`. */
  remove(pod: Pod): void {
    this.#pods.delete(uidOf(pod));
  }

  /** @returns the static pod whose mirror it is, if it is as it should be */
  putMirror(mirror: Pod): Pod | undefined {
    this.#mirrors.set(fullName(mirror), mirror);
    const pod = this.#staticOf(fullName(mirror));
    if (pod && !mirror.metadata.deletionTimestamp && isMirrorOf(mirror, pod)) return pod;
    this.reconcileMirror(fullName(mirror));
    return undefined;
  }

  removeMirror(mirror: Pod): void {
    this.#mirrors.delete(fullName(mirror));
    this.reconcileMirror(fullName(mirror));
  }

  /** What could not be done for mirrors before is tried again. */
  reconcileMirrors(): void {
    const ofStatic = [...this.#pods.values()].filter(isStatic).map(fullName);
    for (const name of new Set([...ofStatic, ...this.#mirrors.keys()])) this.reconcileMirror(name);
  }

  /** Sees to it that there is a mirror where there is a static pod of the name, and none where there is none. */
  reconcileMirror(name: string): void {
    if (this.#writer === undefined || this.#isEnding(name)) return;
    const [pod, mirror] = [this.#staticOf(name), this.#mirrors.get(name)];
    if (pod) void this.#writer.ensure(pod, mirror);
    else if (mirror) void this.#writer.remove(mirror);
  }

  #staticOf(name: string): Pod | undefined {
    return [...this.#pods.values()].find((pod) => isStatic(pod) && fullName(pod) === name);
  }
}
