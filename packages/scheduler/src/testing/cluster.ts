import type { Node, Pod } from '@keelson/api/generated/types/core/v1';
import type { TypedObject } from '@keelson/api/object';
import { type ResourceName, storeKey } from '@keelson/client';
import { Store } from '@keelson/client/informer/store';
import { manualWorld } from '@keelson/client/testing/world';
import { isEnabledByDefault } from '@keelson/component/featuregate/featuregate';
import { Cache } from '../cache/cache.ts';
import { Snapshot } from '../cache/snapshot.ts';
import { Cycle } from '../framework/cycle.ts';
import { type Listers, MAX_SCORE, type Plugin, type PluginContext, SKIP } from '../framework/plugin.ts';
import { PodInfo } from '../pods/pod-info.ts';

/** A cluster as plugins see it, without a server. */
export class TestCluster {
  readonly cache = new Cache();
  readonly snapshot = new Snapshot();
  readonly world = manualWorld();
  readonly #stores = new Map<string, Store<TypedObject>>();
  readonly context: PluginContext;
  /** By node. */
  nominated: Readonly<Record<string, readonly Pod[]>> = {};

  constructor(nodes: readonly Node[] = [], pods: readonly Pod[] = []) {
    this.context = {
      profile: 'default-scheduler',
      snapshot: this.snapshot,
      listers: ((name: ResourceName) => this.#store(name)) as unknown as Listers,
      nominations: { on: (node) => (this.nominated[node] ?? []).map((pod) => new PodInfo(pod)) },
      world: this.world,
      isEnabled: isEnabledByDefault,
    };
    for (const node of nodes) this.cache.putNode(node);
    for (const pod of pods) this.put('pods', pod);
    this.refresh();
  }

  put(name: ResourceName, ...objects: readonly TypedObject[]): this {
    for (const object of objects) {
      this.#store(name).put(storeKey(object), object);
      if (name === 'pods' && (object as Pod).spec.nodeName) this.cache.putPod(new PodInfo(object as Pod));
    }
    this.refresh();
    return this;
  }

  refresh(): void {
    this.cache.updateSnapshot(this.snapshot);
  }

  /** A cycle of the plugin alone, or the reasons for which it rejects the pod as a whole. */
  begin(plugin: Plugin, pod: Pod): Cycle | readonly string[] {
    const info = new PodInfo(pod);
    const states = new Map<string, unknown>();
    const asked = new Set([plugin.name]);
    if (plugin.preFilter) {
      const prepared = plugin.preFilter(info, this.snapshot.nodes);
      if (prepared === SKIP) return new Cycle(info, states, [], this.context.nominations, asked);
      if ('code' in prepared) return prepared.reasons;
      states.set(plugin.name, prepared.state);
    }
    return new Cycle(info, states, plugin.filter ? [plugin] : [], this.context.nominations, asked);
  }

  /** By node: why it will not do, as `!` and text when no preemption would help. Nodes that will do are left out. */
  filter(plugin: Plugin, pod: Pod): Record<string, string> {
    const cycle = this.begin(plugin, pod);
    if (!(cycle instanceof Cycle))
      return Object.fromEntries(this.snapshot.nodes.map(({ name }) => [name, cycle.join(', ')]));
    const found: Record<string, string> = {};
    for (const node of this.snapshot.nodes) {
      const rejection = cycle.filter(node);
      if (!rejection) continue;
      found[node.name] = (rejection.code === 'Unschedulable' ? '' : '!') + rejection.reasons.join(', ');
    }
    return found;
  }

  /** By node, after normalization; empty when the plugin has nothing to say. */
  score(plugin: Plugin, pod: Pod, names = this.snapshot.nodes.map(({ name }) => name)): Record<string, number> {
    const info = new PodInfo(pod);
    const nodes = this.snapshot.nodes.filter(({ name }) => names.includes(name));
    const cycle = this.begin(plugin, pod) as Cycle;
    for (const node of nodes) cycle.filter(node);
    const prepared = plugin.preScore?.(info, nodes, cycle.stateOf(plugin.name));
    if (prepared === SKIP) return {};
    const scores = Float64Array.from(nodes, (node) => plugin.score!(info, node, prepared?.state));
    plugin.normalize?.(scores, nodes, prepared?.state);
    if (scores.some((score) => score < 0 || score > MAX_SCORE)) throw new Error(`out of range: ${scores}`);
    return Object.fromEntries(nodes.map(({ name }, i) => [name, scores[i]!]));
  }

  #store(name: string): Store<TypedObject> {
    let store = this.#stores.get(name);
    if (!store) {
      store = new Store();
      this.#stores.set(name, store);
    }
    return store;
  }
}

/** Whether a plugin thinks that a change helps a pod, when it hears of it at all. */
export function helps(
  plugin: Plugin,
  pod: Pod,
  old: TypedObject | undefined,
  now: TypedObject | undefined,
  nth = 0,
): boolean {
  return plugin.events!()[nth]!.helps!(new PodInfo(pod), old, now);
}
