import type { Node, Pod } from '@keelson/api/generated/types/core/v1';
import { toleratesTaint } from '@keelson/api/resources/tolerations';
import { Action, clusterEvent } from '../framework/events.ts';
import type { Plugin } from '../framework/plugin.ts';
import { textOf } from '../framework/signature.ts';
import { unresolvable } from '../framework/status.ts';

const name = 'NodeUnschedulable';
const cordoned = unresolvable(name, 'node(s) were unschedulable');
const taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };

/** Nodes that are cordoned take only pods that tolerate the taint of it, whether it is there or not. */
export function nodeUnschedulable(): Plugin {
  return {
    name,
    sign: ({ pod }) => ({ tolerations: textOf(pod.spec.tolerations ?? [], true) }),
    filter({ pod }, { node }) {
      if (!node!.spec.unschedulable || toleratesTaint(pod.spec.tolerations, taint)) return undefined;
      return cordoned;
    },
    events: () => [
      {
        event: clusterEvent('Node', Action.add | Action.nodeTaint),
        helps: (_, old, now) =>
          !(now as Node).spec.unschedulable && (!old || (old as Node).spec.unschedulable === true),
      },
      {
        event: clusterEvent('Pod', Action.podToleration),
        helps: ({ uid }, _, now) => now!.metadata.uid === uid && toleratesTaint((now as Pod).spec.tolerations, taint),
      },
    ],
  };
}
