/**
 * What a plugin is: an object with a name and a method for each place in a cycle where it has a say. docs/scheduler.md draws
 * the places. A plugin keeps nothing of a pod in itself: what it finds out once for a pod (its state) it returns, and is
 * given again.
 */

import type { ResourceClaim } from '@keelson/api/generated/types/resource/v1';
import type { TypedObject } from '@keelson/api/object';
import type { Client, EventRecorder, Lister, ResourceName, ResourceTypes, World } from '@keelson/client';
import type { IndexFunction } from '@keelson/client/informer/store';
import type { NodeInfo } from '../cache/node-info.ts';
import type { Snapshot } from '../cache/snapshot.ts';
import type { IsEnabled } from '../gates.ts';
import type { PodInfo } from '../pods/pod-info.ts';
import type { Candidate } from '../preemption/candidates.ts';
import type { ClusterEvent } from './events.ts';
import type { Fragments, Unsignable } from './signature.ts';
import type { Rejection } from './status.ts';

/** The plugin has nothing to say about this pod: what it would do per node is left out. */
export const SKIP = 'skip';
export type Skip = typeof SKIP;

export const MAX_SCORE = 100;

export interface Prepared<S> {
  readonly state: S;
  /** The only nodes that can do. */
  readonly nodes?: ReadonlySet<string>;
}

/** What the pod waits for, no longer than that. */
export interface Wait {
  readonly waitMs: number;
}

/**
 * `S` is what a plugin knows of a pod from preFilter on, until it is bound; `T` what it knows from preScore to normalize.
 * Where a plugin is enabled for a place and has no method for it, the configuration is refused.
 */
export interface Plugin<S = unknown, T = unknown> {
  readonly name: string;

  /** Before the pod gets into the active queue. */
  preEnqueue?(pod: PodInfo): Rejection | undefined;
  /** Negative when `a` comes first. */
  compare?(a: Queued, b: Queued): number;

  /**
   * All of the pod that the plugin looks at in filters and scores. Where a plugin with such places has no signature, no two
   * pods of its profile are taken to be alike.
   */
  sign?(pod: PodInfo): Fragments | Unsignable;

  /** Once for a pod, before any node. */
  preFilter?(pod: PodInfo, nodes: readonly NodeInfo[]): Prepared<S> | Skip | Rejection;
  /** For each node; makes nothing new, since it runs thousands of times for a pod. */
  filter?(pod: PodInfo, node: NodeInfo, state: S): Rejection | undefined;
  /** Changes the state as if another pod were on the node, or were not. */
  podAdded?(pod: PodInfo, other: PodInfo, node: NodeInfo, state: S): void;
  podRemoved?(pod: PodInfo, other: PodInfo, node: NodeInfo, state: S): void;
  /** A state of its own for who lets pods come and go; without it the state is shared. */
  cloneState?(state: S): S;
  /** When no node will do. */
  postFilter?(pod: PodInfo, cycle: CycleView, verdicts: NodeVerdicts): PostFilterResult;

  /** @param state what preFilter has found out */
  preScore?(pod: PodInfo, nodes: readonly NodeInfo[], state: S | undefined): { readonly state: T } | Skip;
  /** For each node that will do; larger is better. */
  score?(pod: PodInfo, node: NodeInfo, state: T): number;
  /** Brings scores, in the order of nodes, between 0 and {@link MAX_SCORE}. */
  normalize?(scores: Float64Array, nodes: readonly NodeInfo[], state: T): void;

  /** The pod gets this node; everything else that it needs is set aside. */
  reserve?(pod: PodInfo, nodeName: string, state: S | undefined): Rejection | undefined;
  unreserve?(pod: PodInfo, nodeName: string, state: S | undefined): void;
  permit?(pod: PodInfo, nodeName: string): Wait | Rejection | undefined;
  /** Whether preBind has something to do, so that the pod's node is worth telling before. */
  hasPreBind?(pod: PodInfo, nodeName: string, state: S | undefined): boolean;
  preBind?(pod: PodInfo, nodeName: string, state: S | undefined, signal: AbortSignal): Promise<Rejection | undefined>;
  /** @returns SKIP to leave it to the next */
  bind?(pod: PodInfo, nodeName: string, signal: AbortSignal): Promise<Skip | undefined>;
  postBind?(pod: PodInfo, nodeName: string): void;

  /** What may let a pod through that the plugin has rejected. Without this, everything may. */
  events?(): readonly Interest[];
}

/** An event that a plugin waits for. */
export interface Interest {
  readonly event: ClusterEvent;
  /** Whether this change may help this pod; without it, each does. Throwing counts as yes. */
  helps?(pod: PodInfo, old: TypedObject | undefined, now: TypedObject | undefined): boolean;
}

/** Of a pod in the queue, what its place depends on. */
export interface Queued {
  readonly info: PodInfo;
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
  /** Tells apart what came in the same millisecond. */
  readonly serial: number;
}

/** Runs filters with pods taken from nodes or put on them, on copies. */
export interface CycleView {
  clone(): CycleView;
  podAdded(other: PodInfo, node: NodeInfo): void;
  podRemoved(other: PodInfo, node: NodeInfo): void;
  /** All filters, with the pods of higher priority that are to get the node. */
  filter(node: NodeInfo): Rejection | undefined;
  /** What a plugin's preFilter has found out. */
  stateOf(plugin: string): unknown;
  /** Whether the plugin's preFilter has run: it has not where one before has refused the pod for good. */
  wasAsked(plugin: string): boolean;
}

/** Why each node would not do. */
export interface NodeVerdicts {
  get(nodeName: string): Rejection | undefined;
  /** Nodes where preemption may help. */
  resolvable(nodes: readonly NodeInfo[]): NodeInfo[];
}

export interface PostFilterResult {
  /** The node that the pod is to get; empty takes away what was there; absent leaves it. */
  readonly nominate?: string;
  /** Absent when the pod can be scheduled later on that node. */
  readonly rejection?: Rejection;
  /** Asks somebody outside, whose answer takes the place of this; who only explains does not. */
  readonly confirm?: () => Promise<PostFilterResult>;
}

/** Which pods are to get which nodes when there is room. */
export interface Nominations {
  on(nodeName: string): readonly PodInfo[];
}

/** A copy of a collection of the cluster; adding an index again does nothing. */
export type IndexedLister<T> = Lister<T> & { addIndex(name: string, values: IndexFunction<T>): void };

export type Listers = <N extends ResourceName>(name: N) => IndexedLister<ResourceTypes[N] & TypedObject>;

/** Who outside has a say in preemption. */
export interface PreemptionExtenders {
  hasSayInPreemption(pod: PodInfo): boolean;
  /** @returns the candidates that are left, perhaps with others to leave @throws Error where one may not be left out and fails */
  preempt(pod: PodInfo, candidates: readonly Candidate[], snapshot: Snapshot): Promise<readonly Candidate[]>;
}

/** What plugins are made with. */
export interface PluginContext {
  /** Names the scheduler that the pods ask for. */
  readonly profile: string;
  readonly snapshot: Snapshot;
  readonly listers: Listers;
  readonly nominations: Nominations;
  readonly world: World;
  readonly isEnabled: IsEnabled;
  readonly extenders?: PreemptionExtenders | undefined;
  /** Absent where nothing is to be written: when a decision is explained. */
  readonly writer?: Writer | undefined;
}

export type AwaitedStatus = 'success' | 'failure' | 'timeout' | 'error';

/** By what plugins change the cluster. */
export interface Writer {
  readonly client: Client;
  readonly recorder: EventRecorder;
  /** Has pods tried again at once. */
  activate(pods: readonly PodInfo[]): void;
  /** Takes the nominated node away from pods. */
  clearNominations(pods: readonly PodInfo[]): Promise<void>;
  /** Counts an attempt to make room for a pod, or, when one was found, the pods that have to go. */
  preempted(victims: number | undefined): void;
  /** Victims begin to be taken away. @returns to be told how that ended */
  evicting(): (succeeded: boolean) => void;
  /** Counts a claim for extended resources. */
  claimCreated(succeeded: boolean): void;
  /** Devices of claims begin to be waited for. @returns to be told how that ended */
  awaiting(profile: string): (claims: readonly ResourceClaim[], status: AwaitedStatus) => void;
  /** Gives up a pod that waits for a permit or is prepared for its binding. @returns whether there was one */
  giveUp(uid: string, why: string): boolean;
}

/** @param args decoded, with defaults, and validated */
export type PluginFactory = (args: unknown, context: PluginContext) => Plugin;
