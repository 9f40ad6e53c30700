import { Action, clusterEvent } from '../framework/events.ts';
import type { Plugin } from '../framework/plugin.ts';
import { unresolvable } from '../framework/status.ts';

const name = 'SchedulingGates';

/** Keeps pods back until somebody has taken their gates away. */
export function schedulingGates(): Plugin {
  return {
    name,
    preEnqueue({ pod }) {
      const gates = pod.spec.schedulingGates ?? [];
      if (gates.length === 0) return undefined;
      return unresolvable(name, `waiting for scheduling gates: [${gates.map((gate) => gate.name).join(' ')}]`);
    },
    events: () => [
      {
        event: clusterEvent('Pod', Action.podGatesEliminated),
        helps: (pod, _, now) => now?.metadata.uid === pod.uid,
      },
    ],
  };
}
