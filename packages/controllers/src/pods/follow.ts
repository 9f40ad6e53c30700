import { equalValues } from '@keelson/api/codec/equality';
import type { Pod } from '@keelson/api/generated/types/core/v1';
import type { TypedObject } from '@keelson/api/object';
import { controllerOf, type Informer, type Lister } from '@keelson/client';
import { resolveOwner } from '../owned.ts';
import { isReady } from './state.ts';

export interface Following<T extends TypedObject> {
  readonly owners: Lister<T>;
  readonly kind: string;
  /** Whether the owner might adopt an orphan. */
  selects(owner: T, pod: Pod): boolean;
  /** It has a new pod. `changed` is called as well. */
  created(owner: T, pod: Pod): void;
  /** A pod of it is being deleted, or is gone: told more than once. `changed` is called as well. */
  left(owner: T, pod: Pod): void;
  /** It has to be looked at. */
  changed(owner: T): void;
  /** A pod of it has become ready. */
  ready?(owner: T): void;
}

/** Tells the owners of a kind what becomes of their pods, and of orphans that they might want. */
export function followPods<T extends TypedObject>(pods: Informer<Pod>, following: Following<T>): void {
  const ownerOf = (pod: Pod) => resolveOwner(following.owners, following.kind, pod);
  const lookAtCandidates = (pod: Pod) => {
    for (const owner of following.owners.list(pod.metadata.namespace)) {
      if (following.selects(owner, pod)) following.changed(owner);
    }
  };
  const leaves = (pod: Pod) => {
    const owner = ownerOf(pod);
    if (!owner) return;
    following.left(owner, pod);
    following.changed(owner);
  };
  const appears = (pod: Pod) => {
    if (!controllerOf(pod)) lookAtCandidates(pod);
    const owner = ownerOf(pod);
    if (!owner) return;
    following.created(owner, pod);
    following.changed(owner);
  };
  const changes = (old: Pod, pod: Pod) => {
    const before = controllerOf(old);
    const after = controllerOf(pod);
    const previous = before && before.uid !== after?.uid ? ownerOf(old) : undefined;
    if (previous) following.changed(previous);
    const relabelled = !equalValues(old.metadata.labels ?? {}, pod.metadata.labels ?? {});
    if (!after && (before || relabelled)) lookAtCandidates(pod);
    const owner = ownerOf(pod);
    if (!owner) return;
    following.changed(owner);
    if (!isReady(old) && isReady(pod)) following.ready?.(owner);
  };
  const isLeaving = ({ metadata }: Pod) => metadata.deletionTimestamp !== undefined;
  pods.addHandler({
    added: (pod) => (isLeaving(pod) ? leaves(pod) : appears(pod)),
    updated: (old, pod) => (isLeaving(pod) ? leaves(pod) : changes(old, pod)),
    deleted: leaves,
  });
}
