import { type Plugin, SKIP } from '../framework/plugin.ts';
import { unschedulable } from '../framework/status.ts';

const name = 'DynamicResources';
const nothingToFree = unschedulable(name, 'no new claims to deallocate');

/** Devices that pods claim. */
export function dynamicResources(): Plugin {
  return {
    name,
    preFilter: () => SKIP,
    filter: () => undefined,
    postFilter(_pod, cycle) {
      if (!cycle.wasAsked(name)) throw new Error('not found');
      return { rejection: nothingToFree };
    },
    events: () => [],
  };
}
