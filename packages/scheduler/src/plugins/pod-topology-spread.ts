/** Spreads pods that belong together over domains (pkg/scheduler/framework/plugins/podtopologyspread). */
import { isDeepStrictEqual } from 'node:util';
import type { Node, Pod, Toleration, TopologySpreadConstraint } from '@keelson/api/generated/types/core/v1';
import type { Domains } from '../cache/counts.ts';
import type { NodeInfo } from '../cache/node-info.ts';
import type { Snapshot } from '../cache/snapshot.ts';
import type { PodTopologySpreadArgs } from '../config/types.ts';
import { Action, clusterEvent, sameLabels } from '../framework/events.ts';
import { type Plugin, type PluginContext, SKIP } from '../framework/plugin.ts';
import { UNSIGNABLE } from '../framework/signature.ts';
import { unresolvable, unschedulable } from '../framework/status.ts';
import type { Labels } from '../pods/affinity-terms.ts';
import type { PodInfo } from '../pods/pod-info.ts';
import { defaultSelector, type Owners } from './default-selector.ts';
import {
  type Constraint,
  compileConstraints,
  countsFor,
  hasAllKeys,
  SYSTEM_DEFAULTS,
  selecting,
} from './spread-constraints.ts';
import { normalizeSpread, type SpreadScores, spreadScore, spreadScores } from './spread-scores.ts';

const name = 'PodTopologySpread';
const uneven = unschedulable(name, "node(s) didn't match pod topology spread constraints");
const noDomain = unresolvable(name, "node(s) didn't match pod topology spread constraints (missing required label)");

type When = 'DoNotSchedule' | 'ScheduleAnyway';

/** Matching pods by domain, for one constraint. */
class Spread {
  readonly domains: Domains;
  /** -1 for a domain that no node is in that counts. */
  readonly #counts: Int32Array;
  #least: number | undefined;

  constructor(domains: Domains, counts = new Int32Array(domains.size).fill(-1)) {
    this.domains = domains;
    this.#counts = counts;
  }

  at(domain: number): number {
    return Math.max(0, this.#counts[domain]!);
  }

  add(domain: number, by: number): void {
    this.#counts[domain] = this.at(domain) + by;
    this.#least = undefined;
  }

  /** The least of all domains; 0 while there are fewer than there should be. */
  least(minDomains: number): number {
    if (this.#least === undefined) {
      let [least, present] = [Number.POSITIVE_INFINITY, 0];
      for (const count of this.#counts) {
        if (count < 0) continue;
        present += 1;
        if (count < least) least = count;
      }
      this.#least = present < minDomains ? 0 : least;
    }
    return this.#least;
  }

  clone(): Spread {
    return new Spread(this.domains, this.#counts.slice());
  }
}

interface State {
  readonly constraints: readonly Constraint[];
  /** Of each constraint. */
  readonly spreads: readonly Spread[];
  /** 1 where the pod itself counts. */
  readonly self: readonly number[];
}

export function podTopologySpread(
  args: PodTopologySpreadArgs,
  { snapshot, listers }: PluginContext,
): Plugin<State, SpreadScores> {
  const systemDefaults = args.defaultingType === 'System';
  const defaults: readonly TopologySpreadConstraint[] = systemDefaults ? SYSTEM_DEFAULTS : args.defaultConstraints;
  const owners: Owners | undefined =
    defaults.length === 0
      ? undefined
      : {
          services: listers('services'),
          replicationControllers: listers('replicationcontrollers'),
          replicaSets: listers('replicasets.apps'),
          statefulSets: listers('statefulsets.apps'),
        };

  const constraintsOf = (pod: Pod, when: When): readonly Constraint[] => {
    const own = pod.spec.topologySpreadConstraints ?? [];
    if (own.length > 0) return compileConstraints(own, pod, when);
    const constraints = compileConstraints(defaults, pod, when);
    if (constraints.length === 0) return constraints;
    const selector = defaultSelector(pod, owners!);
    const selected = selecting(selector, pod.metadata.namespace ?? '');
    return selector.empty ? [] : constraints.map((each) => ({ ...each, ...selected }));
  };

  return {
    name,
    sign: ({ pod }) => (defaults.length + (pod.spec.topologySpreadConstraints?.length ?? 0) > 0 ? UNSIGNABLE : {}),
    preFilter(pod, nodes) {
      const constraints = constraintsOf(pod.pod, 'DoNotSchedule');
      if (constraints.length === 0) return SKIP;
      const labels = pod.pod.metadata.labels ?? NO_LABELS;
      const self = constraints.map(({ selector }) => (selector.matches(labels) ? 1 : 0));
      return { state: { constraints, self, spreads: countSpreads(pod, constraints, nodes, snapshot) } };
    },
    filter(_, { index }, { constraints, spreads, self }) {
      for (let i = 0; i < constraints.length; i++) {
        const { maxSkew, minDomains } = constraints[i]!;
        const spread = spreads[i]!;
        const domain = spread.domains.of[index]!;
        if (domain < 0) return noDomain;
        if (spread.at(domain) + self[i]! - spread.least(minDomains) > maxSkew) return uneven;
      }
      return undefined;
    },
    podAdded: (pod, other, node, state) => move(pod, other, node, state, 1),
    podRemoved: (pod, other, node, state) => move(pod, other, node, state, -1),
    cloneState: (state) => ({ ...state, spreads: state.spreads.map((spread) => spread.clone()) }),
    preScore(pod, nodes) {
      const constraints = constraintsOf(pod.pod, 'ScheduleAnyway');
      if (constraints.length === 0) return SKIP;
      const everyKey = !systemDefaults || (pod.pod.spec.topologySpreadConstraints ?? []).length > 0;
      return { state: spreadScores(pod, constraints, nodes, snapshot, everyKey) };
    },
    score: (_, node, scores) => spreadScore(node, scores),
    normalize: normalizeSpread,
    events: () => [
      {
        event: clusterEvent('Pod', Action.add | Action.podLabel | Action.podToleration | Action.delete),
        helps: (pod, old, now) => {
          const constraints = constraintsOf(pod.pod, 'DoNotSchedule');
          return podHelps(pod, constraints, old as Pod | undefined, now as Pod | undefined);
        },
      },
      {
        event: clusterEvent('Node', Action.add | Action.delete | Action.nodeLabel | Action.nodeTaint),
        helps: (pod, old, now) => {
          const constraints = constraintsOf(pod.pod, 'DoNotSchedule');
          return nodeHelps(constraints, old as Node | undefined, now as Node | undefined);
        },
      },
    ],
  };
}

const NO_LABELS: Labels = {};

function countSpreads(
  pod: PodInfo,
  constraints: readonly Constraint[],
  nodes: readonly NodeInfo[],
  { counts }: Snapshot,
): Spread[] {
  const spreads = constraints.map(({ topologyKey }) => new Spread(counts.domains(topologyKey)));
  const pods = constraints.map(({ counter }) => counts.sums(counter));
  const counting = nodes.filter((_, index) => spreads.every(({ domains }) => domains.of[index]! >= 0));
  for (let i = 0; i < constraints.length; i++) {
    const { of } = spreads[i]!.domains;
    for (const { node, index } of counting) {
      if (countsFor(constraints[i]!, pod, node!)) spreads[i]!.add(of[index]!, pods[i]![index]!);
    }
  }
  return spreads;
}

function move(pod: PodInfo, other: PodInfo, node: NodeInfo, { constraints, spreads }: State, by: number): void {
  if (other.namespace !== pod.namespace || spreads.some(({ domains }) => domains.of[node.index]! < 0)) return;
  for (const [i, constraint] of constraints.entries()) {
    if (!constraint.selector.matches(other.pod.metadata.labels ?? NO_LABELS)) continue;
    if (countsFor(constraint, pod, node.node!)) spreads[i]!.add(spreads[i]!.domains.of[node.index]!, by);
  }
}

function isInvolved({ metadata, spec, status }: Pod, { uid, namespace }: PodInfo): boolean {
  if (metadata.uid === uid) return true;
  return Boolean(spec.nodeName || status.nominatedNodeName) && metadata.namespace === namespace;
}

function podHelps(
  pod: PodInfo,
  constraints: readonly Constraint[],
  old: Pod | undefined,
  now: Pod | undefined,
): boolean {
  if ((now && !isInvolved(now, pod)) || (old && !isInvolved(old, pod))) return false;
  const matches = ({ metadata }: Pod) => constraints.map(({ selector }) => selector.matches(metadata.labels ?? {}));
  if (!old || !now) return matches((now ?? old)!).includes(true);
  const tolerations = (each: Pod): readonly Toleration[] => each.spec.tolerations ?? [];
  const tolerant = !isDeepStrictEqual(tolerations(old), tolerations(now));
  if (now.metadata.uid === pod.uid && tolerant && constraints.some(({ honorTaints }) => honorTaints)) return true;
  if (sameLabels(old.metadata.labels, now.metadata.labels)) return false;
  return !isDeepStrictEqual(matches(old), matches(now));
}

function nodeHelps(constraints: readonly Constraint[], old: Node | undefined, now: Node | undefined): boolean {
  const was = old !== undefined && hasAllKeys(old, constraints);
  const is = now !== undefined && hasAllKeys(now, constraints);
  if (!old || !now) return was || is;
  if (was !== is) return true;
  if (!is) return false;
  const moved = constraints.some(
    ({ topologyKey }) => old.metadata.labels?.[topologyKey] !== now.metadata.labels?.[topologyKey],
  );
  return moved || !isDeepStrictEqual(old.spec.taints ?? [], now.spec.taints ?? []);
}
