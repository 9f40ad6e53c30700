/** Compiled terms of affinity between pods (staging/src/k8s.io/kube-scheduler/framework/types.go). */
import type { Pod, PodAffinityTerm, WeightedPodAffinityTerm } from '@keelson/api/generated/types/core/v1';
import { type LabelSelector, selectorOfObject } from '@keelson/api/selectors/labels';

export type Labels = Readonly<Record<string, string>>;

const NONE: Labels = {};

export interface AffinityTerm {
  /** The same for terms that select the same, and no other. */
  readonly id: number;
  readonly topologyKey: string;
  readonly selector: LabelSelector;
  readonly namespaces: ReadonlySet<string>;
  /** Namespaces are selected by their labels, too. */
  readonly namespaceSelector: LabelSelector;
}

export interface WeightedTerm {
  readonly term: AffinityTerm;
  /** Negative for antipathy. */
  readonly weight: number;
}

const compiled = new Map<string, AffinityTerm>();
const COMPILED_MAX = 10_000;
let lastId = 0;

/**
 * Equal terms become one object, so that what is found out about one of them is known of all.
 * @throws Error for selectors that make no sense
 */
export function compileTerm(pod: Pod, term: PodAffinityTerm): AffinityTerm {
  const { topologyKey, labelSelector, namespaces = [], namespaceSelector } = term;
  const own = namespaces.length === 0 && !namespaceSelector;
  const names = own ? [pod.metadata.namespace ?? ''] : namespaces;
  const key = JSON.stringify([topologyKey, labelSelector, names, namespaceSelector]);
  let known = compiled.get(key);
  if (!known) {
    lastId += 1;
    known = {
      id: lastId,
      topologyKey,
      selector: selectorOfObject(labelSelector),
      namespaces: new Set(names),
      namespaceSelector: selectorOfObject(namespaceSelector),
    };
    if (compiled.size >= COMPILED_MAX) compiled.clear();
    compiled.set(key, known);
  }
  return known;
}

export function compileTerms(pod: Pod, terms: readonly PodAffinityTerm[] = []): AffinityTerm[] {
  return terms.map((term) => compileTerm(pod, term));
}

export function compileWeighted(pod: Pod, terms: readonly WeightedPodAffinityTerm[] = []): WeightedTerm[] {
  return terms.map(({ weight, podAffinityTerm }) => ({ weight, term: compileTerm(pod, podAffinityTerm) }));
}

/** @param namespaceLabels of the pod's namespace; without them only names of namespaces count */
export function termMatches(term: AffinityTerm, { metadata }: Pod, namespaceLabels?: Labels): boolean {
  const { namespaces, namespaceSelector, selector } = term;
  const there = namespaces.has(metadata.namespace ?? '') || namespaceSelector.matches(namespaceLabels ?? NONE);
  return there && selector.matches(metadata.labels ?? NONE);
}

/** Which terms of other pods are about a pod; each is looked at once. */
export class TermMatches {
  readonly #pod: Pod;
  readonly #namespaceLabels: Labels;
  readonly #known = new Map<AffinityTerm, boolean>();

  constructor(pod: Pod, namespaceLabels: Labels) {
    this.#pod = pod;
    this.#namespaceLabels = namespaceLabels;
  }

  has(term: AffinityTerm): boolean {
    let matches = this.#known.get(term);
    if (matches === undefined) {
      matches = termMatches(term, this.#pod, this.#namespaceLabels);
      this.#known.set(term, matches);
    }
    return matches;
  }
}

export function matchesAll(terms: readonly AffinityTerm[], pod: Pod): boolean {
  return terms.length > 0 && terms.every((term) => termMatches(term, pod));
}
