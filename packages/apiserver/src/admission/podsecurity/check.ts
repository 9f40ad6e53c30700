/** What a check of the pod security standards is, and how it words what it finds. */
import type { PodSpec } from '@keelson/api/generated/types/core/v1';
import type { ObjectMeta } from '@keelson/api/generated/types/meta/v1';
import { type AnyContainer, allContainers } from '@keelson/api/resources/pod-parts';

/** A pod, or the template of one. */
export interface PodLike {
  readonly metadata?: ObjectMeta;
  readonly spec: PodSpec;
}

export interface Violation {
  readonly reason: string;
  /** With the names of what violates. */
  readonly detail: string;
}

export type PodCheck = (pod: PodLike) => Violation | undefined;

export interface Check {
  /** Reports are sorted by it, baseline before restricted. */
  readonly id: string;
  readonly level: 'baseline' | 'restricted';
  /** By the minor version that they begin with, rising. */
  readonly since: readonly (readonly [minor: number, check: PodCheck])[];
  /** The baseline check that this one is stricter than. */
  readonly overrides?: string;
}

export function plural(count: number, one: string, many: string): string {
  return count === 1 ? one : many;
}

export function quoted(names: Iterable<string>): string {
  return [...names].map((name) => `"${name}"`).join(', ');
}

/** Each once. */
export function sorted(names: Iterable<string>): string[] {
  return [...new Set(names)].sort();
}

/** `container "a"`, `containers "a", "b"` */
export function containersNamed(names: readonly string[]): string {
  return `${plural(names.length, 'container', 'containers')} ${quoted(names)}`;
}

export function namesOf(containers: readonly AnyContainer[]): string[] {
  return containers.map((c) => c.name);
}

/** Containers of every sort, that a predicate holds for. */
export function containersOf(pod: PodLike, predicate: (container: AnyContainer) => boolean): AnyContainer[] {
  return allContainers(pod.spec).filter(predicate);
}

/** `pod and containers "a", "b"`: who says what may not be said. */
export function settersNamed(pod: boolean, containers: readonly string[]): string {
  return [...(pod ? ['pod'] : []), ...(containers.length > 0 ? [containersNamed(containers)] : [])].join(' and ');
}

/** A check that pods in a user namespace of their own need not pass. */
export function unlessUserNamespace(check: PodCheck): PodCheck {
  return (pod) => (pod.spec.hostUsers === false ? undefined : check(pod));
}

/** A check of things that Windows does not have. */
export function unlessWindows(check: PodCheck): PodCheck {
  return (pod) => (pod.spec.os?.name === 'windows' ? undefined : check(pod));
}
