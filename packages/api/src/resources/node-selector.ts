/** Which nodes a pod may or would like to run on (component-helpers/scheduling/corev1/nodeaffinity). */
import type {
  Node,
  NodeSelector,
  NodeSelectorRequirement,
  NodeSelectorTerm,
  Pod,
  PreferredSchedulingTerm,
} from '../generated/types/core/v1.ts';
import { type LabelOperator, LabelSelector, requirement } from '../selectors/labels.ts';

export type NodePredicate = (node: Node) => boolean;

const OPERATORS: Readonly<Record<string, LabelOperator>> = {
  In: 'in',
  NotIn: 'notin',
  Exists: 'exists',
  DoesNotExist: '!',
  Gt: 'gt',
  Lt: 'lt',
};

const NO_LABELS = {};

function labelsPredicate(expressions: readonly NodeSelectorRequirement[]): NodePredicate {
  const requirements = expressions.map(({ key, operator, values = [] }) => {
    const known = OPERATORS[operator];
    if (!known) {
      const supported = Object.keys(OPERATORS).map((each) => JSON.stringify(each));
      throw new Error(`operator: Unsupported value: "${operator}": supported values: ${supported.join(', ')}`);
    }
    return requirement(key, known, values);
  });
  const selector = new LabelSelector(requirements);
  return ({ metadata }) => selector.matches(metadata.labels ?? NO_LABELS);
}

/** Of a node's fields its name alone can be selected. */
function fieldsPredicate(expressions: readonly NodeSelectorRequirement[]): NodePredicate {
  const all = expressions.map(({ key, operator, values = [] }): NodePredicate => {
    if (operator !== 'In' && operator !== 'NotIn') {
      throw new Error(`operator: Unsupported value: "${operator}": supported values: "In", "NotIn"`);
    }
    if (values.length !== 1) throw new Error(`values: Invalid value: ${JSON.stringify(values)}: must have one element`);
    const wanted = operator === 'In';
    return ({ metadata }) => ((key === 'metadata.name' ? metadata.name : '') === values[0]) === wanted;
  });
  return (node) => all.every((holds) => holds(node));
}

/** @throws Error for a term that makes no sense */
function compileTerm({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm): NodePredicate {
  const byLabels = matchExpressions.length > 0 ? labelsPredicate(matchExpressions) : undefined;
  const byFields = matchFields.length > 0 ? fieldsPredicate(matchFields) : undefined;
  return (node) => (!byLabels || byLabels(node)) && (!byFields || byFields(node));
}

function isEmpty({ matchExpressions, matchFields }: NodeSelectorTerm): boolean {
  return !matchExpressions?.length && !matchFields?.length;
}

/**
 * One of the terms has to match; one that is empty never does.
 * @throws Error for terms that make no sense
 */
export function compileNodeSelector({ nodeSelectorTerms }: NodeSelector): NodePredicate {
  const terms = (nodeSelectorTerms ?? []).filter((term) => !isEmpty(term)).map(compileTerm);
  return (node) => terms.some((matches) => matches(node));
}

/** A term that makes no sense matches no node, and the others count. */
function compileLeniently({ nodeSelectorTerms }: NodeSelector): NodePredicate {
  const terms: NodePredicate[] = [];
  for (const term of nodeSelectorTerms ?? []) {
    if (isEmpty(term)) continue;
    try {
      terms.push(compileTerm(term));
    } catch {}
  }
  return (node) => terms.some((matches) => matches(node));
}

/** The pod's nodeSelector and required node affinity together; `undefined` when it has neither. */
export function requiredNodeAffinity({ spec }: Pod): NodePredicate | undefined {
  const wanted = Object.entries(spec.nodeSelector ?? {});
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  const byAffinity = required && compileLeniently(required);
  if (wanted.length === 0) return byAffinity;
  return (node) => {
    const labels = node.metadata.labels ?? {};
    for (const [key, value] of wanted) if (labels[key] !== value) return false;
    return !byAffinity || byAffinity(node);
  };
}

/**
 * @returns the sum of the weights of the terms that match
 * @throws Error for terms that make no sense
 */
export function compilePreferences(terms: readonly PreferredSchedulingTerm[]): (node: Node) => number {
  const compiled = terms
    .filter(({ weight, preference }) => weight !== 0 && !isEmpty(preference))
    .map(({ weight, preference }) => ({ weight, matches: compileTerm(preference) }));
  return (node) => {
    let score = 0;
    for (const { weight, matches } of compiled) if (matches(node)) score += weight;
    return score;
  };
}
