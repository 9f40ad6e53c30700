/** Near other pods, or away from them (pkg/scheduler/framework/plugins/interpodaffinity). */
import type { Namespace, Node, Pod } from '@keelson/api/generated/types/core/v1';
import { NOTHING } from '@keelson/api/selectors/labels';
import type { Lister } from '@keelson/client';
import type { NodeInfo } from '../cache/node-info.ts';
import type { InterPodAffinityArgs } from '../config/types.ts';
import { Action, clusterEvent } from '../framework/events.ts';
import { MAX_SCORE, type Plugin, type PluginContext, SKIP } from '../framework/plugin.ts';
import { unresolvable, unschedulable } from '../framework/status.ts';
import { type AffinityTerm, type Labels, matchesAll, termMatches, type WeightedTerm } from '../pods/affinity-terms.ts';
import { PodInfo } from '../pods/pod-info.ts';
import { TopologyCounts } from './topology-counts.ts';

const name = 'InterPodAffinity';
const noFriends = unresolvable(name, "node(s) didn't match pod affinity rules");
const foes = unschedulable(name, "node(s) didn't match pod anti-affinity rules");
const unwelcome = unschedulable(name, "node(s) didn't satisfy existing pods anti-affinity rules");

interface State {
  /** Of the pod itself, with namespaces instead of selectors of them. */
  readonly required: readonly AffinityTerm[];
  readonly requiredAnti: readonly AffinityTerm[];
  readonly namespaceLabels: Labels;
  /** How many pods are in each domain that the pod wants to be with, that it wants to avoid, that want to avoid it. */
  readonly friends: TopologyCounts;
  readonly foes: TopologyCounts;
  readonly unwelcome: TopologyCounts;
}

export function interPodAffinity(
  args: InterPodAffinityArgs,
  { snapshot, listers }: PluginContext,
): Plugin<State, TopologyCounts> {
  const namespaces = listers('namespaces');
  return {
    name,
    preFilter(pod, nodes) {
      const state: State = {
        required: pod.affinity.required.map((term) => resolved(term, namespaces)),
        requiredAnti: pod.affinity.requiredAnti.map((term) => resolved(term, namespaces)),
        namespaceLabels: labelsOf(pod.namespace, namespaces),
        friends: new TopologyCounts(),
        foes: new TopologyCounts(),
        unwelcome: new TopologyCounts(),
      };
      for (const node of snapshot.withRequiredAntiAffinity) {
        for (const other of node.podsWithRequiredAntiAffinity) countUnwelcome(state, pod, other, node.node!, 1);
      }
      if (state.required.length + state.requiredAnti.length === 0) {
        return state.unwelcome.isEmpty ? SKIP : { state };
      }
      countOwn(state, nodes);
      return { state };
    },
    filter(pod, { node }, state) {
      const labels = node!.metadata.labels ?? NO_LABELS;
      if (!isNearFriends(pod, labels, state)) return noFriends;
      for (const { topologyKey } of state.requiredAnti) {
        if (state.foes.at(topologyKey, labels[topologyKey]) > 0) return foes;
      }
      return state.unwelcome.touches(labels) ? unwelcome : undefined;
    },
    podAdded: (pod, other, { node }, state) => count(state, pod, other, node!, 1),
    podRemoved: (pod, other, { node }, state) => count(state, pod, other, node!, -1),
    cloneState: (state) => ({
      ...state,
      friends: state.friends.clone(),
      foes: state.foes.clone(),
      unwelcome: state.unwelcome.clone(),
    }),
    preScore(pod) {
      const { preferred, preferredAnti } = pod.affinity;
      const picky = preferred.length + preferredAnti.length > 0;
      if (!picky && args.ignorePreferredTermsOfExistingPods) return SKIP;
      const scores = new TopologyCounts();
      const own = [
        ...preferred.map(({ term, weight }) => ({ term: resolved(term, namespaces), weight })),
        ...preferredAnti.map(({ term, weight }) => ({ term: resolved(term, namespaces), weight: -weight })),
      ].map((each) => ({ ...each, key: keyOf([each.term]) }));
      if (picky) for (const node of snapshot.nodes) scoreOwn(scores, own, node);
      const namespaceLabels = labelsOf(pod.namespace, namespaces);
      for (const node of snapshot.withAffinity) {
        for (const other of node.podsWithAffinity) {
          for (const { term, weight } of wishesOf(other, args.hardPodAffinityWeight)) {
            if (termMatches(term, pod.pod, namespaceLabels)) scores.add(term.topologyKey, node.node!, weight);
          }
        }
      }
      return scores.wasTouched ? { state: scores } : SKIP;
    },
    score(_, { node }, scores) {
      return scores.sum(node!.metadata.labels ?? NO_LABELS);
    },
    normalize(scores) {
      let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
      for (const score of scores) {
        if (score < min) min = score;
        if (score > max) max = score;
      }
      const range = max - min;
      for (let i = 0; i < scores.length; i++) {
        scores[i] = range > 0 ? Math.trunc(MAX_SCORE * ((scores[i]! - min) / range)) : 0;
      }
    },
    events: () => [
      {
        event: clusterEvent('Pod', Action.add | Action.podLabel | Action.delete),
        helps: (pod, old, now) => podHelps(pod, old as Pod | undefined, now as Pod | undefined),
      },
      {
        event: clusterEvent('Node', Action.add | Action.nodeLabel),
        helps: (pod, old, now) => nodeHelps(pod, old as Node | undefined, now as Node),
      },
    ],
  };
}

const NO_LABELS: Labels = {};

/** Namespaces that are selected become names: their labels are looked up once. */
function resolved(term: AffinityTerm, namespaces: Lister<Namespace>): AffinityTerm {
  if (term.namespaceSelector.empty || term.namespaceSelector === NOTHING) return term;
  const names = new Set(term.namespaces);
  for (const { metadata } of namespaces.values()) {
    if (term.namespaceSelector.matches(metadata.labels ?? NO_LABELS)) names.add(metadata.name!);
  }
  return { ...term, namespaces: names, namespaceSelector: NOTHING };
}

function labelsOf(namespace: string, namespaces: Lister<Namespace>): Labels {
  return namespaces.get(namespace)?.metadata.labels ?? NO_LABELS;
}

/** The same for terms that select the same pods, so that counts of a node can be remembered. */
function keyOf(terms: readonly AffinityTerm[]): string {
  const texts = terms.map(({ selector, namespaces, namespaceSelector }) => [
    selector.requirements,
    selector === NOTHING,
    [...namespaces].sort(),
    namespaceSelector.empty,
  ]);
  return `${name}/${JSON.stringify(texts)}`;
}

/** Counts pods that the pod itself wants to be with, or to avoid. */
function countOwn(state: State, nodes: readonly NodeInfo[]): void {
  const key = keyOf(state.required);
  const antiKeys = state.requiredAnti.map((term) => keyOf([term]));
  for (const node of nodes) if (node.pods.length > 0) countOwnOn(node, state, key, antiKeys);
}

function countOwnOn(node: NodeInfo, state: State, requiredKey: string, antiKeys: readonly string[]): void {
  const { required, requiredAnti } = state;
  if (required.length > 0) {
    const friends = node.count(requiredKey, (pods) => pods.filter(({ pod }) => matchesAll(required, pod)).length);
    if (friends > 0) for (const { topologyKey } of required) state.friends.add(topologyKey, node.node!, friends);
  }
  for (const [i, term] of requiredAnti.entries()) {
    const key = antiKeys[i]!;
    const foes = node.count(key, (pods) => pods.filter(({ pod }) => termMatches(term, pod)).length);
    if (foes > 0) state.foes.add(term.topologyKey, node.node!, foes);
  }
}

function countUnwelcome(state: State, pod: PodInfo, other: PodInfo, node: Node, by: number): void {
  for (const term of other.affinity.requiredAnti) {
    if (termMatches(term, pod.pod, state.namespaceLabels)) state.unwelcome.add(term.topologyKey, node, by);
  }
}

/** As if another pod were on the node, or were not. */
function count(state: State, pod: PodInfo, other: PodInfo, node: Node, by: number): void {
  countUnwelcome(state, pod, other, node, by);
  if (matchesAll(state.required, other.pod)) {
    for (const { topologyKey } of state.required) state.friends.add(topologyKey, node, by);
  }
  for (const term of state.requiredAnti) {
    if (termMatches(term, other.pod)) state.foes.add(term.topologyKey, node, by);
  }
}

/** The first pod of a group that wants to be together may be anywhere that has the topology. */
function isNearFriends({ pod }: PodInfo, labels: Labels, { required, friends }: State): boolean {
  let near = true;
  for (const { topologyKey } of required) {
    const domain = labels[topologyKey];
    if (domain === undefined) return false;
    if (friends.at(topologyKey, domain) <= 0) near = false;
  }
  return near || (friends.isEmpty && matchesAll(required, pod));
}

type KeyedTerm = WeightedTerm & { readonly key: string };

function scoreOwn(scores: TopologyCounts, terms: readonly KeyedTerm[], node: NodeInfo): void {
  if (node.pods.length === 0 || !node.node!.metadata.labels) return;
  for (const { term, weight, key } of terms) {
    const matching = node.count(key, (pods) => pods.filter(({ pod }) => termMatches(term, pod)).length);
    if (matching > 0) scores.add(term.topologyKey, node.node!, matching * weight);
  }
}

/** What pods that are there wish of a newcomer: requirements of theirs count as wishes, too. */
function* wishesOf({ affinity }: PodInfo, hardWeight: number): Iterable<WeightedTerm> {
  if (hardWeight > 0) for (const term of affinity.required) yield { term, weight: hardWeight };
  yield* affinity.preferred;
  for (const { term, weight } of affinity.preferredAnti) yield { term, weight: -weight };
}

function hasPlace({ spec, status }: Pod): boolean {
  return Boolean(spec.nodeName || status.nominatedNodeName);
}

function podHelps({ uid, pod, affinity }: PodInfo, old: Pod | undefined, now: Pod | undefined): boolean {
  if (old && now && now.metadata.uid === uid) return true;
  if ((now && !hasPlace(now)) || (old && !hasPlace(old))) return false;
  const { required, requiredAnti } = affinity;
  if (old && now) {
    const becameFriend = !matchesAll(required, old) && matchesAll(required, now);
    return becameFriend || (matchesAll(requiredAnti, old) && !matchesAll(requiredAnti, now));
  }
  if (now) return matchesAll(required, now);
  return matchesAll(requiredAnti, old!) || matchesAll(new PodInfo(old!).affinity.requiredAnti, pod);
}

function nodeHelps({ affinity }: PodInfo, old: Node | undefined, now: Node): boolean {
  const domain = (node: Node | undefined, key: string) => node?.metadata.labels?.[key];
  for (const { topologyKey } of affinity.required) {
    const [before, after] = [domain(old, topologyKey), domain(now, topologyKey)];
    if (after !== undefined && before !== after) return true;
  }
  for (const { topologyKey } of affinity.requiredAnti) {
    if (!old) return true;
    const [before, after] = [domain(old, topologyKey), domain(now, topologyKey)];
    if (before !== undefined && before !== after) return true;
  }
  return false;
}
