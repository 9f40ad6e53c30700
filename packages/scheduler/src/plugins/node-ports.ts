import type { Pod } from '@keelson/api/generated/types/core/v1';
import { HostPorts } from '../cache/host-ports.ts';
import { Action, clusterEvent } from '../framework/events.ts';
import { type Plugin, SKIP } from '../framework/plugin.ts';
import { textOf } from '../framework/signature.ts';
import { unschedulable } from '../framework/status.ts';
import { PodInfo } from '../pods/pod-info.ts';

const name = 'NodePorts';
const taken = unschedulable(name, "node(s) didn't have free ports for the requested pod ports");

/** Each port of a node goes to one pod. */
export function nodePorts(): Plugin {
  return {
    name,
    sign: ({ hostPorts }) => ({ hostPorts: hostPorts.map((port) => textOf(port)).sort() }),
    preFilter: ({ hostPorts }) => (hostPorts.length === 0 ? SKIP : { state: undefined }),
    filter({ hostPorts }, { ports }) {
      return hostPorts.some((port) => ports.conflicts(port)) ? taken : undefined;
    },
    events: () => [
      {
        event: clusterEvent('Pod', Action.delete),
        helps({ hostPorts }, old) {
          const gone = old as Pod;
          if (!gone.spec.nodeName && !gone.status.nominatedNodeName) return false;
          const freed = new HostPorts();
          for (const port of new PodInfo(gone).hostPorts) freed.add(port);
          return hostPorts.some((port) => freed.conflicts(port));
        },
      },
      { event: clusterEvent('Node', Action.add) },
    ],
  };
}
