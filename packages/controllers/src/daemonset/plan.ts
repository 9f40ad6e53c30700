/** Which pods a daemon set creates and deletes: pure (pkg/controller/daemon podsShouldBeOnNode, rollingUpdate). */
import type { DaemonSet } from '@keelson/api/generated/types/apps/v1';
import type { Node, Pod } from '@keelson/api/generated/types/core/v1';
import { scaledValue } from '@keelson/api/intstr';
import { REVISION_LABEL } from '../history/revisions.ts';
import { isAvailable, isReady, isTerminal } from '../pods/state.ts';
import { isUpdated, type NodeVerdict, targetNode } from './nodes.ts';

export interface Observed {
  readonly set: DaemonSet;
  /** Of the newest revision. */
  readonly hash: string;
  readonly nodes: readonly Node[];
  readonly judge: (node: Node) => NodeVerdict;
  /** By the node that they are on, or meant for. */
  readonly pods: ReadonlyMap<string, readonly Pod[]>;
  readonly now: number;
}

export interface Plan {
  /** Nodes that get a pod. */
  readonly create: readonly string[];
  readonly delete: readonly Pod[];
  /** Pods that ended by themselves, of those to be deleted. */
  readonly ended: readonly Pod[];
  /** Milliseconds until a failed pod may be replaced. */
  readonly againMs: number | undefined;
}

/** Pods of a set by node; those that are at their end and being deleted count no more. */
export function byNode(pods: readonly Pod[]): Map<string, Pod[]> {
  const found = new Map<string, Pod[]>();
  for (const pod of pods) {
    const node = isTerminal(pod) && pod.metadata.deletionTimestamp ? undefined : targetNode(pod);
    if (node === undefined) continue;
    const there = found.get(node);
    if (there) there.push(pod);
    else found.set(node, [pod]);
  }
  return found;
}

/**
 * One pod on each node that is to have one, or two while one surges.
 * @param waitMs how long a failed pod on the node has to be left alone yet
 */
export function plan(observed: Observed, waitMs: (node: string) => number): Plan {
  const { nodes, judge, pods } = observed;
  const create: string[] = [];
  const remove: Pod[] = [];
  const ended: Pod[] = [];
  let againMs: number | undefined;
  const known = new Set<string>();
  for (const node of nodes) {
    const name = node.metadata.name!;
    known.add(name);
    const there = pods.get(name);
    const { run, stay } = judge(node);
    if (run && !there) create.push(name);
    else if (stay && there) {
      const { running, over } = sorted(there);
      const wait = over.some(({ status }) => status.phase === 'Failed') ? waitMs(name) : 0;
      if (wait > 0) againMs = Math.min(againMs ?? wait, wait);
      const gone = over.filter(({ status }) => status.phase === 'Succeeded' || wait === 0);
      ended.push(...gone);
      remove.push(...gone, ...surplus(observed, running));
      if (run && running.length === 0 && allowsSurge(observed.set)) create.push(name);
    } else if (there) remove.push(...there.filter(({ metadata }) => !metadata.deletionTimestamp));
  }
  for (const [name, there] of pods) {
    // What waits for a node that is gone would wait for ever.
    if (!known.has(name)) remove.push(...there.filter((pod) => !pod.spec.nodeName && !pod.metadata.deletionTimestamp));
  }
  return { create, delete: remove, ended, againMs };
}

function sorted(there: readonly Pod[]): { running: Pod[]; over: Pod[] } {
  const staying = there.filter(({ metadata }) => !metadata.deletionTimestamp);
  const over = staying.filter(isTerminal);
  return { over, running: staying.filter((pod) => !isTerminal(pod)).sort(oldestFirst) };
}

/** Those that are bound come first, then the oldest. */
export function oldestFirst(a: Pod, b: Pod): number {
  const bound = Number(Boolean(b.spec.nodeName)) - Number(Boolean(a.spec.nodeName));
  if (bound !== 0) return bound;
  const [first = '', second = ''] = [a.metadata.creationTimestamp, b.metadata.creationTimestamp];
  if (first !== second) return first < second ? -1 : 1;
  return a.metadata.name! < b.metadata.name! ? -1 : 1;
}

/** @param running on one node, oldest first */
function surplus({ set, hash, now }: Observed, running: readonly Pod[]): readonly Pod[] {
  if (!allowsSurge(set)) return running.slice(1);
  if (running.length <= 1) return [];
  const fresh = running.filter(({ metadata }) => metadata.labels?.[REVISION_LABEL] === hash);
  const stale = running.filter((pod) => !fresh.includes(pod));
  const [newer, older] = [fresh[0], stale[0]];
  const rest = [...fresh.slice(1), ...stale.slice(1)];
  const done = newer && older && (!isReady(older) || isAvailable(newer, set.spec.minReadySeconds ?? 0, now));
  return done ? [...rest, older] : rest;
}

function limitsOf({ spec }: DaemonSet, nodes: number): { surge: number; unavailable: number } {
  const { type, rollingUpdate } = spec.updateStrategy;
  if (type !== 'RollingUpdate' || !rollingUpdate) return { surge: 0, unavailable: 0 };
  const surge = scaledValue(rollingUpdate.maxSurge ?? 0, nodes, true);
  return { surge, unavailable: scaledValue(rollingUpdate.maxUnavailable ?? 0, nodes, true) };
}

function allowsSurge(set: DaemonSet): boolean {
  return limitsOf(set, 1).surge > 0;
}

/** The pods of a node that stay: the one of the newest revision, and the other. Undefined where one of them is twice there. */
function pairOn(
  observed: Observed,
  there: readonly Pod[],
): { newer?: Pod | undefined; older?: Pod | undefined } | undefined {
  const staying = there.filter(({ metadata }) => !metadata.deletionTimestamp);
  const [newer, twice] = staying.filter((pod) => isUpdated(pod, observed.set, observed.hash));
  const [older, again] = staying.filter((pod) => !isUpdated(pod, observed.set, observed.hash));
  return twice || again ? undefined : { newer, older };
}

type Update = Pick<Plan, 'create' | 'delete'>;

/** The next step from old pods to new ones. */
export function rollingUpdate(observed: Observed): Update {
  const { set, nodes, judge, pods } = observed;
  const wanted = new Set(nodes.filter((node) => judge(node).run).map(({ metadata }) => metadata.name!));
  const limits = limitsOf(set, wanted.size);
  const all = new Map<string, readonly Pod[]>(pods);
  for (const name of wanted) if (!all.has(name)) all.set(name, []);
  if (limits.surge > 0) return surgingUpdate(observed, all, wanted, limits.surge);
  return deletingUpdate(observed, all, Math.max(limits.unavailable, wanted.size > 0 ? 1 : 0));
}

/** Old pods that are not available go at once, others as far as enough stay available. */
function deletingUpdate(observed: Observed, all: ReadonlyMap<string, readonly Pod[]>, maxUnavailable: number): Update {
  const { set, now } = observed;
  const minReady = set.spec.minReadySeconds ?? 0;
  const broken: Pod[] = [];
  const candidates: Pod[] = [];
  let unavailable = 0;
  for (const there of all.values()) {
    const { newer, older } = pairOn(observed, there) ?? {};
    if (Boolean(newer) === Boolean(older)) unavailable++;
    else if (newer) unavailable += isAvailable(newer, minReady, now) ? 0 : 1;
    else if (isAvailable(older!, minReady, now)) candidates.push(older!);
    else {
      unavailable++;
      broken.push(older!);
    }
  }
  const room = Math.max(0, maxUnavailable - unavailable);
  return { create: [], delete: [...broken, ...candidates.slice(0, room)] };
}

/** New pods come beside old ones, which go when the new ones are available. */
function surgingUpdate(
  observed: Observed,
  all: ReadonlyMap<string, readonly Pod[]>,
  wanted: ReadonlySet<string>,
  maxSurge: number,
): Update {
  const { set, now } = observed;
  const available = (pod: Pod | undefined) => pod !== undefined && isAvailable(pod, set.spec.minReadySeconds ?? 0, now);
  const remove: Pod[] = [];
  const misplaced: Pod[] = [];
  const replacing: string[] = [];
  const candidates: string[] = [];
  let [surging, availables] = [0, 0];
  for (const [node, there] of all) {
    const pair = pairOn(observed, there);
    const { newer, older } = pair ?? {};
    if (!pair) surging++;
    if (available(older ?? newer)) availables++;
    if (!older) continue;
    if (newer) {
      if (available(newer)) remove.push(older);
      else surging++;
    } else if (!wanted.has(node)) (available(older) ? misplaced : remove).push(older);
    else (available(older) ? candidates : replacing).push(node);
  }
  const spare = Math.max(0, availables - wanted.size);
  const room = Math.max(0, maxSurge - surging);
  return { create: [...replacing, ...candidates.slice(0, room)], delete: [...remove, ...misplaced.slice(0, spare)] };
}
