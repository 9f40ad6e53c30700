import type { NodeInfo } from '../cache/node-info.ts';
import type { PodInfo } from '../pods/pod-info.ts';
import type { CycleView, Nominations, Plugin } from './plugin.ts';
import type { Rejection } from './status.ts';

interface ActiveFilter {
  readonly plugin: Plugin;
  readonly state: unknown;
}

/** One pod's way through the filters: the plugins that have a say, with what they have found out about the pod. */
export class Cycle implements CycleView {
  readonly pod: PodInfo;
  /** By name of the plugin: what it knows since preFilter. */
  readonly states: ReadonlyMap<string, unknown>;
  readonly #filters: readonly ActiveFilter[];
  readonly #nominations: Nominations;
  readonly #asked: ReadonlySet<string>;
  /** How many nodes got as far as each filter, and no further; those that passed all at the end. Clones count here, too. */
  readonly #ends: number[];

  /**
   * @param filters those that have not said that they have nothing to say
   * @param asked names of the plugins whose preFilter has run
   * @param ends of the cycle that this is a copy of
   */
  constructor(
    pod: PodInfo,
    states: ReadonlyMap<string, unknown>,
    filters: readonly Plugin[],
    nominations: Nominations,
    asked: ReadonlySet<string>,
    ends: number[] = new Array(filters.length + 1).fill(0),
  ) {
    this.pod = pod;
    this.states = states;
    this.#filters = filters.map((plugin) => ({ plugin, state: states.get(plugin.name) }));
    this.#nominations = nominations;
    this.#asked = asked;
    this.#ends = ends;
  }

  /** How often each plugin was asked, in the place where it was. */
  *evaluations(): Iterable<readonly [place: 'PreFilter' | 'Filter', plugin: string, times: number]> {
    for (const name of this.#asked) yield ['PreFilter', name, 1];
    let times = this.#ends.reduce((sum, count) => sum + count, 0);
    for (const [i, { plugin }] of this.#filters.entries()) {
      yield ['Filter', plugin.name, times];
      times -= this.#ends[i]!;
    }
  }

  stateOf(plugin: string): unknown {
    return this.states.get(plugin);
  }

  wasAsked(plugin: string): boolean {
    return this.#asked.has(plugin);
  }

  clone(): Cycle {
    const states = new Map(this.states);
    const plugins = this.#filters.map(({ plugin }) => plugin);
    for (const plugin of plugins) {
      const state = states.get(plugin.name);
      if (plugin.cloneState && state !== undefined) states.set(plugin.name, plugin.cloneState(state));
    }
    return new Cycle(this.pod, states, plugins, this.#nominations, this.#asked, this.#ends);
  }

  podAdded(other: PodInfo, node: NodeInfo): void {
    for (const { plugin, state } of this.#filters) plugin.podAdded?.(this.pod, other, node, state);
  }

  podRemoved(other: PodInfo, node: NodeInfo): void {
    for (const { plugin, state } of this.#filters) plugin.podRemoved?.(this.pod, other, node, state);
  }

  /**
   * Whether the node will do, both with the pods that are to get it before this one and without them: some of them may
   * never come, and others are needed.
   */
  filter(node: NodeInfo): Rejection | undefined {
    const nominated = this.#nominations.on(node.name);
    if (nominated.length > 0) {
      const before = nominated.filter(({ priority, uid }) => priority >= this.pod.priority && uid !== this.pod.uid);
      if (before.length > 0) return this.#filterWith(before, node) ?? this.#run(node);
    }
    return this.#run(node);
  }

  /** The same as the node is now, whoever is to get it. */
  filterAlone(node: NodeInfo): Rejection | undefined {
    return this.#run(node);
  }

  /** The first rejection of each plugin of a node, without stopping at the first of them. */
  *verdicts(node: NodeInfo): Iterable<readonly [plugin: string, rejection: Rejection | undefined]> {
    for (const { plugin, state } of this.#filters) yield [plugin.name, plugin.filter!(this.pod, node, state)];
  }

  #filterWith(others: readonly PodInfo[], node: NodeInfo): Rejection | undefined {
    const [cycle, info] = [this.clone(), node.clone()];
    for (const other of others) {
      info.addPod(other);
      cycle.podAdded(other, info);
    }
    return cycle.#run(info);
  }

  #run(node: NodeInfo): Rejection | undefined {
    const { pod } = this;
    const filters = this.#filters;
    let i = 0;
    try {
      for (; i < filters.length; i++) {
        const { plugin, state } = filters[i]!;
        const rejected = plugin.filter!(pod, node, state);
        if (rejected) return rejected;
      }
      return undefined;
    } catch (error) {
      const { name } = filters[i]!.plugin;
      throw new Error(`running "${name}" filter plugin: ${(error as Error).message}`, { cause: error });
    } finally {
      this.#ends[i]!++;
    }
  }
}
