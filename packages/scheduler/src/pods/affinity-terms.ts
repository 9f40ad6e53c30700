/** Compiled terms of affinity between pods (staging/src/k8s.io/kube-scheduler/framework/types.go). */
import type { Pod, PodAffinityTerm, WeightedPodAffinityTerm } from '@keelson/api/generated/types/core/v1';
import { type LabelSelector, selectorOfObject } from '@keelson/api/selectors/labels';

export type Labels = Readonly<Record<string, string>>;

const NONE: Labels = {};

export interface AffinityTerm {
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

/** @throws Error for selectors that make no sense */
export function compileTerm(pod: Pod, term: PodAffinityTerm): AffinityTerm {
  const { topologyKey, labelSelector, namespaces = [], namespaceSelector } = term;
  const own = namespaces.length === 0 && !namespaceSelector;
  return {
    topologyKey,
    selector: selectorOfObject(labelSelector),
    namespaces: new Set(own ? [pod.metadata.namespace ?? ''] : namespaces),
    namespaceSelector: selectorOfObject(namespaceSelector),
  };
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

export function matchesAll(terms: readonly AffinityTerm[], pod: Pod): boolean {
  return terms.length > 0 && terms.every((term) => termMatches(term, pod));
}
