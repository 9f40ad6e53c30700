import type { Plugin } from '../framework/plugin.ts';

/** The higher priority first, then who has waited longer. */
export function prioritySort(): Plugin {
  return {
    name: 'PrioritySort',
    compare: (a, b) => b.info.priority - a.info.priority || a.timestamp - b.timestamp || a.serial - b.serial,
  };
}
