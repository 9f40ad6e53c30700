/** Why a pod has no node: what each filter makes of each node, without changing anything. */
import type { Node, Pod } from '@keelson/api/generated/types/core/v1';
import type { TypedObject } from '@keelson/api/object';
import { type ResourceName, storeKey, type World } from '@keelson/client';
import { Store } from '@keelson/client/informer/store';
import { isEnabledByDefault } from '@keelson/component/featuregate/featuregate';
import { Cache } from './cache/cache.ts';
import type { NodeInfo } from './cache/node-info.ts';
import { Snapshot } from './cache/snapshot.ts';
import type { SchedulerConfiguration } from './config/types.ts';
import { afterFiltersAlone } from './cycle/algorithm.ts';
import { fitMessage, notAskedFor, Verdicts } from './cycle/verdicts.ts';
import type { Cycle } from './framework/cycle.ts';
import type { Listers, PluginFactory } from './framework/plugin.ts';
import { type Begun, Profile } from './framework/profile.ts';
import { messageOf, type Rejection } from './framework/status.ts';
import { registry } from './plugins/registry.ts';
import { PodInfo } from './pods/pod-info.ts';

export interface Explanation {
  /** Names the scheduler that the pod asks for; the rest says nothing when no profile has the name. */
  readonly schedulerName: string;
  readonly isOurs: boolean;
  /** What keeps the pod from being tried at all. */
  readonly gate?: Rejection;
  /** Why no node whatsoever would do. */
  readonly rejection?: Rejection;
  readonly nodes: readonly NodeExplanation[];
  /** As the condition of the pod and its events say it; absent when a node would do. */
  readonly message?: string;
  /** The node where preemption would make room. */
  readonly preemptsOn?: string;
}

export interface NodeExplanation {
  readonly node: string;
  /** Every filter that has a say, in order; what rejects is there. */
  readonly filters: readonly { readonly plugin: string; readonly rejection?: Rejection }[];
  readonly fits: boolean;
  /** Of nodes that will do: by plugin, weighted, and in all. */
  readonly scores?: ReadonlyMap<string, number>;
  readonly total?: number;
}

/** Is given a copy of the cluster, and answers for pods. */
export class Explainer {
  readonly #profiles = new Map<string, Profile>();
  readonly #cache = new Cache();
  readonly #snapshot = new Snapshot();
  readonly #stores = new Map<ResourceName, Store<TypedObject>>();

  /** @throws Error for a configuration that names plugins which do not exist or do not fit */
  constructor(
    configuration: SchedulerConfiguration,
    world: World,
    plugins: ReadonlyMap<string, PluginFactory> = registry,
  ) {
    this.#store('nodes');
    this.#store('pods');
    const listers = ((name: ResourceName) => this.#store(name)) as unknown as Listers;
    const nominations = { on: (node: string) => this.#nominatedOn(node) };
    for (const profile of configuration.profiles) {
      const about = { snapshot: this.#snapshot, listers, nominations, world, isEnabled: isEnabledByDefault };
      const context = { profile: profile.schedulerName, ...about };
      this.#profiles.set(profile.schedulerName, new Profile(profile, plugins, context));
    }
  }

  /** The collections that have to be put in before anything can be explained. */
  get collections(): ResourceName[] {
    return [...this.#stores.keys()];
  }

  put(name: ResourceName, objects: Iterable<TypedObject>): void {
    const store = this.#store(name);
    for (const object of objects) {
      if (name === 'pods' && isOver(object as Pod)) continue;
      store.put(storeKey(object), object);
      if (name === 'nodes') this.#cache.putNode(object as Node);
      else if (name === 'pods' && (object as Pod).spec.nodeName) this.#cache.putPod(new PodInfo(object as Pod));
    }
  }

  explain(pod: Pod): Explanation {
    this.#cache.updateSnapshot(this.#snapshot);
    const { schedulerName = '' } = pod.spec;
    const profile = this.#profiles.get(schedulerName);
    if (!profile) return { schedulerName, isOurs: false, nodes: [] };
    try {
      return this.#explain(profile, new PodInfo(pod));
    } catch (error) {
      return { schedulerName, isOurs: true, nodes: [], message: (error as Error).message };
    }
  }

  /** @throws Error when a plugin breaks */
  #explain(profile: Profile, info: PodInfo): Explanation {
    const { nodes } = this.#snapshot;
    const gate = profile.preEnqueue(info, undefined);
    const begun = profile.begin(info, nodes);
    const { rejection } = begun;
    const explained = nodes.map((node) => explainNode(node, begun));
    this.#score(profile, begun.cycle, explained);
    const fits = explained.some((node) => node.fits) && !rejection;
    return {
      schedulerName: profile.name,
      isOurs: true,
      ...(gate ? { gate } : {}),
      ...(rejection ? { rejection } : {}),
      nodes: explained,
      ...(fits ? {} : this.#whyNot(profile, begun)),
    };
  }

  /** The message for a pod that fits nowhere, and what could be done. */
  #whyNot(profile: Profile, { cycle, rejection, only, onlyBy }: Begun) {
    const { nodes } = this.#snapshot;
    if (nodes.length === 0) return { message: 'no nodes available to schedule pods' };
    const verdicts = new Verdicts();
    if (rejection) verdicts.setOthers(rejection);
    else if (only) verdicts.setOthers(notAskedFor(onlyBy));
    for (const node of rejection ? [] : nodes) {
      const rejected = !only || only.has(node.name) ? cycle.filter(node) : undefined;
      if (rejected) verdicts.set(node.name, rejected);
    }
    const { nominate, message: postFilter } = afterFiltersAlone(profile, cycle, verdicts);
    const preFilter = rejection ? messageOf(rejection) : '';
    const message = fitMessage(nodes.length, verdicts, { preFilter, postFilter });
    return { message, ...(nominate ? { preemptsOn: nominate } : {}) };
  }

  #score(profile: Profile, cycle: Cycle, explained: NodeExplanation[]): void {
    const fitting = explained.filter(({ fits }) => fits);
    if (fitting.length < 2) return;
    const nodes = fitting.map(({ node }) => this.#snapshot.get(node)!);
    const { total, byPlugin } = profile.score(cycle, nodes);
    for (const [i, explanation] of fitting.entries()) {
      const scores = new Map(Array.from(byPlugin, ([plugin, all]) => [plugin, all[i]!]));
      explained[explained.indexOf(explanation)] = { ...explanation, scores, total: total[i]! };
    }
  }

  #nominatedOn(node: string): PodInfo[] {
    const pods = this.#store('pods').values() as Iterable<Pod>;
    return Array.from(pods)
      .filter(({ spec, status }) => !spec.nodeName && status.nominatedNodeName === node)
      .map((pod) => new PodInfo(pod));
  }

  #store(name: ResourceName): Store<TypedObject> {
    let store = this.#stores.get(name);
    if (!store) {
      store = new Store();
      this.#stores.set(name, store);
    }
    return store;
  }
}

function isOver({ status }: Pod): boolean {
  return status.phase === 'Succeeded' || status.phase === 'Failed';
}

function explainNode(node: NodeInfo, { cycle, only, rejection }: Begun): NodeExplanation {
  const possible = !rejection && (only?.has(node.name) ?? true);
  const fits = possible && !cycle.filter(node);
  const verdicts = Array.from(cycle.verdicts(node));
  const filters = verdicts.map(([plugin, rejected]) => ({ plugin, ...(rejected ? { rejection: rejected } : {}) }));
  return { node: node.name, filters, fits };
}
