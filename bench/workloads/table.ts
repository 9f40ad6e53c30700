/** All workloads, in the order in which they run. */
import { changes } from './change.ts';
import { creations } from './create.ts';
import { remove } from './delete.ts';
import { get } from './get.ts';
import { growth } from './growth.ts';
import { informers } from './informers.ts';
import { lists } from './list.ts';
import { pacedRequests } from './paced.ts';
import { start } from './start.ts';
import { watches } from './watch.ts';
import { watchSelective } from './watch-selective.ts';
import type { Workload } from './workload.ts';

export const WORKLOADS: readonly Workload[] = [
  start,
  get,
  ...creations,
  ...changes,
  remove,
  ...lists,
  ...watches,
  watchSelective,
  ...informers,
  ...pacedRequests,
  growth,
];
