/** Near other pods, or away from them (pkg/scheduler/framework/plugins/interpodaffinity). */
import type { Namespace, Node, Pod } from '@keelson/api/generated/types/core/v1';
import { NOTHING } from '@keelson/api/selectors/labels';
import type { Lister } from '@keelson/client';
import type { Counter } from '../cache/counts.ts';
import type { Snapshot } from '../cache/snapshot.ts';
import type { InterPodAffinityArgs } from '../config/types.ts';
import { Action, clusterEvent } from '../framework/events.ts';
import { MAX_SCORE, type Plugin, type PluginContext, SKIP } from '../framework/plugin.ts';
import { UNSIGNABLE } from '../framework/signature.ts';
import { unresolvable, unschedulable } from '../framework/status.ts';
import { type AffinityTerm, type Labels, matchesAll, TermMatches, termMatches } from '../pods/affinity-terms.ts';
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
  /** Which terms of other pods are about the pod. */
  readonly wanted: TermMatches;
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
    sign(pod) {
      if (pod.hasAffinity) return UNSIGNABLE;
      if (args.ignorePreferredTermsOfExistingPods) return {};
      return { labels: [pod.namespace, pod.pod.metadata.labels] };
    },
    preFilter(pod) {
      const state: State = {
        required: pod.affinity.required.map((term) => resolved(term, namespaces)),
        requiredAnti: pod.affinity.requiredAnti.map((term) => resolved(term, namespaces)),
        wanted: new TermMatches(pod.pod, labelsOf(pod.namespace, namespaces)),
        friends: new TopologyCounts(snapshot.counts),
        foes: new TopologyCounts(snapshot.counts),
        unwelcome: new TopologyCounts(snapshot.counts),
      };
      for (const term of snapshot.withRequiredAntiAffinity.length > 0 ? snapshot.counts.terms() : []) {
        if (state.wanted.has(term))
          state.unwelcome.addAll(term.topologyKey, snapshot.counts.sums(wishOf(term, 'requiredAnti')));
      }
      if (state.required.length + state.requiredAnti.length === 0) {
        return state.unwelcome.isEmpty ? SKIP : { state };
      }
      countOwn(state, snapshot);
      return { state };
    },
    filter(pod, { index }, state) {
      if (!isNearFriends(pod, index, state)) return noFriends;
      for (const { topologyKey } of state.requiredAnti) {
        if ((state.foes.at(topologyKey, index) ?? 0) > 0) return foes;
      }
      return state.unwelcome.touches(index) ? unwelcome : undefined;
    },
    podAdded: (_, other, { index }, state) => count(state, other, index, 1),
    podRemoved: (_, other, { index }, state) => count(state, other, index, -1),
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
      const scores = new TopologyCounts(snapshot.counts);
      const own = [
        ...preferred.map(({ term, weight }) => ({ term: resolved(term, namespaces), weight })),
        ...preferredAnti.map(({ term, weight }) => ({ term: resolved(term, namespaces), weight: -weight })),
      ];
      for (const { term, weight } of own)
        scores.addAll(term.topologyKey, snapshot.counts.sums(counterOf(term)), weight);
      if (snapshot.withAffinity.length > 0) {
        const wanted = new TermMatches(pod.pod, labelsOf(pod.namespace, namespaces));
        for (const term of snapshot.counts.terms()) if (wanted.has(term)) addWishes(scores, term, snapshot, args);
      }
      return scores.wasTouched ? { state: scores } : SKIP;
    },
    score: (_, { index }, scores) => scores.sum(index),
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

/** The same for terms that select the same pods, wherever. */
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
function countOwn({ required, requiredAnti, friends, foes }: State, { counts }: Snapshot): void {
  if (required.length > 0) {
    const sums = counts.sums({ key: keyOf(required), of: ({ pod }) => (matchesAll(required, pod) ? 1 : 0) });
    for (const { topologyKey } of required) friends.addAll(topologyKey, sums);
  }
  for (const term of requiredAnti) foes.addAll(term.topologyKey, counts.sums(counterOf(term)));
}

function counterOf(term: AffinityTerm): Counter {
  return { key: keyOf([term]), of: ({ pod }) => (termMatches(term, pod) ? 1 : 0) };
}

type Wish = 'required' | 'requiredAnti' | 'preferred' | 'preferredAnti';

/** How much the pods that are there care about a term: by how many, or with which weights. */
function wishOf(term: AffinityTerm, kind: Wish): Counter {
  return {
    key: `${name}/${kind}/${term.id}`,
    of({ affinity, hasAffinity }) {
      if (!hasAffinity) return 0;
      let sum = 0;
      for (const each of affinity[kind]) {
        if ('weight' in each) sum += each.term === term ? each.weight : 0;
        else if (each === term) sum += 1;
      }
      return sum;
    },
  };
}

/** As if another pod were on the node, or were not. */
function count(state: State, other: PodInfo, node: number, by: number): void {
  for (const term of other.affinity.requiredAnti) {
    if (state.wanted.has(term)) state.unwelcome.add(term.topologyKey, node, by);
  }
  if (matchesAll(state.required, other.pod)) {
    for (const { topologyKey } of state.required) state.friends.add(topologyKey, node, by);
  }
  for (const term of state.requiredAnti) {
    if (termMatches(term, other.pod)) state.foes.add(term.topologyKey, node, by);
  }
}

/** The first pod of a group that wants to be together may be anywhere that has the topology. */
function isNearFriends({ pod }: PodInfo, node: number, { required, friends }: State): boolean {
  let near = true;
  for (const { topologyKey } of required) {
    const count = friends.at(topologyKey, node);
    if (count === undefined) return false;
    if (count <= 0) near = false;
  }
  return near || (friends.isEmpty && matchesAll(required, pod));
}

/** What pods that are there would like of the newcomer: requirements of their own count as wishes, too. */
function addWishes(
  scores: TopologyCounts,
  term: AffinityTerm,
  { counts }: Snapshot,
  { hardPodAffinityWeight: hard }: InterPodAffinityArgs,
): void {
  const { topologyKey } = term;
  if (hard > 0) scores.addAll(topologyKey, counts.sums(wishOf(term, 'required')), hard);
  scores.addAll(topologyKey, counts.sums(wishOf(term, 'preferred')));
  scores.addAll(topologyKey, counts.sums(wishOf(term, 'preferredAnti')), -1);
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
