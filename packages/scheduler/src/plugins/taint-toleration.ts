import type { Node, Toleration } from '@keelson/api/generated/types/core/v1';
import { hasUntolerated, toleratesTaint } from '@keelson/api/resources/tolerations';
import { Action, clusterEvent } from '../framework/events.ts';
import type { Plugin } from '../framework/plugin.ts';
import { textOf } from '../framework/signature.ts';
import { unresolvable } from '../framework/status.ts';
import { scaleToMax } from './normalize.ts';

const name = 'TaintToleration';
const tainted = unresolvable(name, 'node(s) had untolerated taint(s)');

/** Taints keep pods off that do not tolerate them; those that only ask to be avoided make a node worse. */
export function taintToleration(): Plugin<unknown, readonly Toleration[]> {
  return {
    name,
    sign: ({ pod }) => ({ tolerations: textOf(pod.spec.tolerations ?? [], true) }),
    filter({ pod }, { node }) {
      const { taints } = node!.spec;
      return taints && hasUntolerated(taints, pod.spec.tolerations) ? tainted : undefined;
    },
    preScore({ pod }) {
      const tolerations = pod.spec.tolerations ?? [];
      return { state: tolerations.filter(({ effect }) => !effect || effect === 'PreferNoSchedule') };
    },
    score(_, { node }, tolerations) {
      let intolerable = 0;
      for (const taint of node!.spec.taints ?? []) {
        if (taint.effect === 'PreferNoSchedule' && !toleratesTaint(tolerations, taint)) intolerable += 1;
      }
      return intolerable;
    },
    normalize: (scores) => scaleToMax(scores, true),
    events: () => [
      {
        event: clusterEvent('Node', Action.add | Action.nodeTaint),
        helps({ pod }, old, now) {
          const { tolerations } = pod.spec;
          const was = !old || hasUntolerated((old as Node).spec.taints, tolerations);
          return was && !hasUntolerated((now as Node).spec.taints, tolerations);
        },
      },
      {
        event: clusterEvent('Pod', Action.podToleration),
        helps: ({ uid }, _, now) => now!.metadata.uid === uid,
      },
    ],
  };
}
