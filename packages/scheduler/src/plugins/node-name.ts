import { Action, clusterEvent } from '../framework/events.ts';
import type { Plugin } from '../framework/plugin.ts';
import { unresolvable } from '../framework/status.ts';

const name = 'NodeName';
const otherNode = unresolvable(name, "node(s) didn't match the requested node name");

/** A pod that names its node gets no other. */
export function nodeName(): Plugin {
  return {
    name,
    sign: ({ pod }) => ({ nodeName: pod.spec.nodeName }),
    filter({ pod }, node) {
      const wanted = pod.spec.nodeName;
      return !wanted || wanted === node.name ? undefined : otherNode;
    },
    events: () => [{ event: clusterEvent('Node', Action.add) }],
  };
}
