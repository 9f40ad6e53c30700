import type { Node, NodeSelectorTerm, Pod } from '@keelson/api/generated/types/core/v1';
import { compileNodeSelector, compilePreferences, type NodePredicate } from '@keelson/api/resources/node-selector';
import type { NodeAffinityArgs } from '../config/types.ts';
import { Action, clusterEvent } from '../framework/events.ts';
import { type Plugin, SKIP } from '../framework/plugin.ts';
import { intersection, union } from '../framework/sets.ts';
import { textOf } from '../framework/signature.ts';
import { unresolvable } from '../framework/status.ts';
import { scaleToMax } from './normalize.ts';

const name = 'NodeAffinity';
const notForPod = unresolvable(name, "node(s) didn't match Pod's node affinity/selector");
const notForScheduler = unresolvable(name, "node(s) didn't match scheduler-enforced node affinity");
const contradiction = unresolvable(name, 'pod affinity terms conflict');

type Preference = (node: Node) => number;
const anyNode: NodePredicate = () => true;

/** Nodes by their labels or names, as the pod asks and as the profile adds. */
export function nodeAffinity(args: NodeAffinityArgs): Plugin<NodePredicate, Preference> {
  const added = args.addedAffinity ?? {};
  const addedRequired =
    added.requiredDuringSchedulingIgnoredDuringExecution &&
    compileNodeSelector(added.requiredDuringSchedulingIgnoredDuringExecution);
  const addedPreferred = added.preferredDuringSchedulingIgnoredDuringExecution?.length
    ? compilePreferences(added.preferredDuringSchedulingIgnoredDuringExecution)
    : undefined;
  return {
    name,
    sign: ({ pod: { spec } }) => ({
      nodeAffinity: textOf(spec.affinity?.nodeAffinity, true),
      nodeSelector: spec.nodeSelector,
    }),
    preFilter({ pod, nodeAffinity: matches }) {
      const required = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
      if (!required && !addedRequired && pod.spec.nodeSelector === undefined) return SKIP;
      const nodes = namesAskedFor(required?.nodeSelectorTerms ?? []);
      if (nodes?.size === 0) return contradiction;
      return { state: matches ?? anyNode, ...(nodes ? { nodes } : {}) };
    },
    filter(_, { node }, matches) {
      if (addedRequired && !addedRequired(node!)) return notForScheduler;
      return matches(node!) ? undefined : notForPod;
    },
    preScore({ pod }) {
      const preference = preferenceOf(pod);
      if (!preference) return addedPreferred ? { state: addedPreferred } : SKIP;
      return { state: addedPreferred ? (node) => addedPreferred(node) + preference(node) : preference };
    },
    score: (_, { node }, preference) => preference(node!),
    normalize: (scores) => scaleToMax(scores),
    events: () => [
      {
        event: clusterEvent('Node', Action.add | Action.nodeLabel),
        helps({ nodeAffinity: matches = anyNode }, old, now) {
          if (addedRequired && !addedRequired(now as Node)) return false;
          return matches(now as Node) && (!old || !matches(old as Node));
        },
      },
    ],
  };
}

function preferenceOf({ spec }: Pod): Preference | undefined {
  const terms = spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution;
  return terms && compilePreferences(terms);
}

/** Names of nodes, when every term asks for some: only those need to be looked at. Empty when terms contradict themselves. */
function namesAskedFor(terms: readonly NodeSelectorTerm[]): ReadonlySet<string> | undefined {
  if (terms.length === 0) return undefined;
  let all: ReadonlySet<string> = new Set();
  for (const { matchFields = [] } of terms) {
    let names: ReadonlySet<string> | undefined;
    for (const { key, operator, values } of matchFields) {
      if (key !== 'metadata.name' || operator !== 'In') continue;
      const these = new Set(values);
      names = names ? intersection(names, these) : these;
    }
    if (!names) return undefined;
    all = union(all, names);
  }
  return all;
}
