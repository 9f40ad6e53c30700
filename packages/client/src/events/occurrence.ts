import type { ObjectReference } from '@keelson/api/generated/types/core/v1';
import type { ObjectMeta } from '@keelson/api/object';

/** Something that happened to an object, before it is known how it is told. */
export interface Occurrence {
  readonly regarding: ObjectReference;
  readonly related: ObjectReference | undefined;
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  /** What was done or failed; events.k8s.io wants it said. */
  readonly action: string;
  readonly message: string;
  readonly annotations: Readonly<Record<string, string>> | undefined;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** For an event about it, should it become one of its own. */
  readonly name: string;
}

/** Who tells. */
export interface Source {
  /** `kubelet` */
  readonly component: string;
  /** The node, for components of nodes. */
  readonly host: string;
}

/** One request that tells of something: a new event, or what is new about one that was told already. */
export interface Telling {
  readonly event: { readonly metadata: ObjectMeta };
  /** A strategic merge patch; where the event is gone, it is created. */
  readonly patch?: object;
}

/** Decides what is told of what happens, so that what happens often is not told as often. */
export interface Teller {
  readonly resource: 'events' | 'events.events.k8s.io';
  /** So many requests are under way at once. */
  readonly atOnce: number;
  /** So many tellings may wait; further ones are dropped. */
  readonly maxQueued: number;
  tell(occurrence: Occurrence): Telling | undefined;
  /** What is due although nothing happened. */
  readonly housekeeping?: { readonly everyMs: number; due(): Telling[] };
}

/** Events about objects without a namespace are in this one. */
export function namespaceOf({ regarding }: Occurrence): string {
  return regarding.namespace || 'default';
}
