/** The plugins of one scheduler name, in the places where they are enabled (pkg/scheduler/framework/runtime/framework.go). */
import type { NodeInfo } from '../cache/node-info.ts';
import type { ProfileConfiguration } from '../config/types.ts';
import type { PodInfo } from '../pods/pod-info.ts';
import { Cycle } from './cycle.ts';
import { Action, clusterEvent } from './events.ts';
import { type Extension, extensions, placesOf } from './places.ts';
import { type Interest, MAX_SCORE, type Plugin, type PluginContext, type PluginFactory, SKIP } from './plugin.ts';
import { intersection } from './sets.ts';
import { textOf, UNSIGNABLE } from './signature.ts';
import { type Rejection, unresolvable } from './status.ts';

/** What plugins make of a pod before any node. */
export interface Begun {
  readonly cycle: Cycle;
  /** Why the pod is rejected as a whole. */
  readonly rejection?: Rejection;
  /** The only nodes that can do, and the plugins that say so. */
  readonly only?: ReadonlySet<string>;
  readonly onlyBy: readonly string[];
}

/** Scores of nodes, summed up with the weights of plugins. */
export interface Scores {
  readonly total: Float64Array;
  /** By plugin, weighted; for who wants to know why. */
  readonly byPlugin: ReadonlyMap<string, Float64Array>;
}

const MAX_TOTAL = Number.MAX_SAFE_INTEGER;

export class Profile {
  readonly name: string;
  readonly percentageOfNodesToScore: number | undefined;
  readonly plugins: Readonly<Record<Extension, readonly Plugin[]>>;
  readonly weights: ReadonlyMap<string, number>;
  private readonly context: PluginContext;
  private readonly all: readonly Plugin[];

  /** @throws Error for plugins that do not exist, or are enabled where they have nothing to say */
  constructor(
    configuration: ProfileConfiguration,
    registry: ReadonlyMap<string, PluginFactory>,
    context: PluginContext,
  ) {
    this.name = configuration.schedulerName;
    this.percentageOfNodesToScore = configuration.percentageOfNodesToScore;
    this.context = context;
    const made = new Map<string, Plugin>();
    for (const name of namesOf(configuration)) {
      const factory = registry.get(name);
      if (!factory) continue;
      try {
        made.set(name, factory(configuration.args.get(name), context));
      } catch (error) {
        throw new Error(`initializing plugin "${name}": ${(error as Error).message}`);
      }
    }
    this.all = [...made.values()];
    this.plugins = placesOf(configuration, made);
    if (this.plugins.queueSort.length !== 1) {
      const count = this.plugins.queueSort.length;
      throw new Error(
        `only one queue sort plugin required for profile with scheduler name "${this.name}", but got ${count}`,
      );
    }
    if (this.plugins.bind.length === 0) {
      throw new Error(`at least one bind plugin is needed for profile with scheduler name "${this.name}"`);
    }
    this.weights = weightsOf(configuration, this.plugins.score);
  }

  /** The same profile with other plugins in the places of its own, which share all that it has. */
  replacing(replace: (plugin: Plugin) => Plugin): Profile {
    const others = new Map(this.all.map((plugin) => [plugin, replace(plugin)]));
    const plugins = Object.entries(this.plugins).map(([place, at]) => [place, at.map((each) => others.get(each)!)]);
    return Object.create(this, { plugins: { value: Object.fromEntries(plugins) } }) as Profile;
  }

  /** The same text for pods that no plugin tells apart; undefined for a pod that is like no other. */
  sign(pod: PodInfo): string | undefined {
    if (this.context.extenders) return undefined;
    const { preFilter, filter, preScore, score } = this.plugins;
    const fragments: Record<string, unknown> = {};
    for (const plugin of new Set([...preFilter, ...filter, ...preScore, ...score])) {
      const own = plugin.sign?.(pod) ?? UNSIGNABLE;
      if (own === UNSIGNABLE) return undefined;
      Object.assign(fragments, own);
    }
    return textOf(fragments);
  }

  /** What each plugin waits for after it has rejected a pod. */
  interests(): Map<string, readonly Interest[]> {
    const interests = new Map<string, readonly Interest[]>();
    for (const plugin of this.all) {
      const rejects = plugin.preEnqueue ?? plugin.preFilter ?? plugin.filter ?? plugin.reserve ?? plugin.permit;
      if (rejects) interests.set(plugin.name, plugin.events?.() ?? EVERYTHING);
    }
    return interests;
  }

  /** @param first the plugin that has kept the pod back before, which is asked first */
  preEnqueue(pod: PodInfo, first: string | undefined): Rejection | undefined {
    const plugins = this.plugins.preEnqueue;
    const before = first === undefined ? undefined : plugins.find(({ name }) => name === first);
    const inOrder = before ? [before, ...plugins.filter((plugin) => plugin !== before)] : plugins;
    for (const plugin of inOrder) {
      const rejection = plugin.preEnqueue!(pod);
      if (rejection) return rejection;
    }
    return undefined;
  }

  /** Asks the plugins what they make of the pod, before any node. @throws Error when one of them breaks */
  begin(pod: PodInfo, nodes: readonly NodeInfo[]): Begun {
    const states = new Map<string, unknown>();
    const skipped = new Set<string>();
    const asked = new Set<string>();
    const onlyBy: string[] = [];
    let only: ReadonlySet<string> | undefined;
    let rejection: Rejection | undefined;
    const refuse = (by: Rejection, named: readonly string[]): Begun => {
      const cycle = new Cycle(pod, states, [], this.context.nominations, asked);
      return { cycle, rejection: by, onlyBy: named };
    };
    for (const plugin of this.plugins.preFilter) {
      asked.add(plugin.name);
      const prepared = broken('PreFilter plugin', plugin, () => plugin.preFilter!(pod, nodes));
      if (prepared === SKIP) skipped.add(plugin.name);
      else if ('code' in prepared) {
        if (prepared.code === 'UnschedulableAndUnresolvable') return refuse(prepared, []);
        rejection = prepared;
      } else {
        states.set(plugin.name, prepared.state);
        if (!prepared.nodes) continue;
        onlyBy.push(plugin.name);
        only = only ? intersection(only, prepared.nodes) : prepared.nodes;
        if (only.size === 0) return refuse(noneInCommon(onlyBy), onlyBy);
      }
    }
    const filters = this.plugins.filter.filter(({ name }) => !skipped.has(name));
    const cycle = new Cycle(pod, states, filters, this.context.nominations, asked);
    return { cycle, onlyBy, ...(only ? { only } : {}), ...(rejection ? { rejection } : {}) };
  }

  /** Scores nodes that will do. @throws Error when a plugin breaks */
  score({ pod, states: known }: Cycle, nodes: readonly NodeInfo[]): Scores {
    const skipped = new Set<string>();
    const states = new Map<string, unknown>();
    for (const plugin of this.plugins.preScore) {
      const prepared = broken('PreScore plugin', plugin, () => plugin.preScore!(pod, nodes, known.get(plugin.name)));
      if (prepared === SKIP) skipped.add(plugin.name);
      else states.set(plugin.name, prepared.state);
    }
    const total = new Float64Array(nodes.length);
    const byPlugin = new Map<string, Float64Array>();
    for (const plugin of this.plugins.score) {
      if (skipped.has(plugin.name)) continue;
      const scores = new Float64Array(nodes.length);
      const state = states.get(plugin.name);
      for (let i = 0; i < nodes.length; i++) scores[i] = plugin.score!(pod, nodes[i]!, state);
      plugin.normalize?.(scores, nodes, state);
      const weight = this.weights.get(plugin.name)!;
      for (let i = 0; i < nodes.length; i++) {
        const score = scores[i]!;
        if (!(score >= 0 && score <= MAX_SCORE)) throw new Error(outOfRange(plugin.name, score));
        scores[i] = score * weight;
        total[i]! += score * weight;
      }
      byPlugin.set(plugin.name, scores);
    }
    return { total, byPlugin };
  }
}

/** Everything that a plugin which does not say otherwise waits for. */
const EVERYTHING: readonly Interest[] = (
  [
    'Pod',
    'Node',
    'PersistentVolume',
    'PersistentVolumeClaim',
    'storage.k8s.io/CSINode',
    'storage.k8s.io/CSIDriver',
    'storage.k8s.io/CSIStorageCapacity',
    'storage.k8s.io/StorageClass',
    'resource.k8s.io/ResourceClaim',
    'resource.k8s.io/DeviceClass',
  ] as const
).map((resource) => ({ event: clusterEvent(resource, Action.all) }));

function namesOf(configuration: ProfileConfiguration): Set<string> {
  const names = new Set(configuration.plugins.multiPoint.enabled.map(({ name }) => name));
  for (const extension of extensions) {
    for (const { name } of configuration.plugins[extension].enabled) names.add(name);
  }
  return names;
}

function noneInCommon(plugins: readonly string[]): Rejection {
  const reason =
    plugins.length === 1
      ? `node(s) didn't satisfy plugin ${plugins[0]}`
      : `node(s) didn't satisfy plugin(s) [${[...plugins].sort().join(' ')}] simultaneously`;
  return unresolvable('', reason);
}

function outOfRange(plugin: string, score: number): string {
  const range = `it should in the range of [0, ${MAX_SCORE}] after normalizing`;
  return `plugin "${plugin}" returns an invalid score ${score}, ${range}`;
}

/** Says whose fault it was. */
function broken<R>(what: string, plugin: Plugin, run: () => R): R {
  try {
    return run();
  } catch (error) {
    throw new Error(`running ${what} "${plugin.name}": ${(error as Error).message}`, { cause: error });
  }
}

function weightsOf(configuration: ProfileConfiguration, plugins: readonly Plugin[]): Map<string, number> {
  const weights = new Map<string, number>();
  const configured = [...configuration.plugins.score.enabled, ...configuration.plugins.multiPoint.enabled];
  let total = 0;
  for (const { name } of plugins) {
    const weight = configured.find((each) => each.name === name)?.weight || 1;
    total += weight * MAX_SCORE;
    if (total > MAX_TOTAL) throw new Error('total score of Score plugins could overflow');
    weights.set(name, weight);
  }
  return weights;
}
