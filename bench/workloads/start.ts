import { setTimeout as sleep } from 'node:timers/promises';
import { memoryOf } from '../servers/usage.ts';
import type { Workload } from './workload.ts';

/** Of a server of its own with nothing in it; Node's cache of compiled code and the disk's cache are warm, as for upstream. */
export const start: Workload = {
  name: 'start',
  what: 'process start to /readyz, on an empty store; then its memory',
  goal: { lmdb: 3 },
  prepare: async ({ server, directory }) => {
    if (server.readyMs !== undefined) await (await server.kind.start(directory())).stop();
  },
  run: async ({ server, directory, sizes }) => {
    if (server.readyMs === undefined) return [];
    const fresh = await server.kind.start(directory());
    await sleep(sizes.settleSeconds * 1000);
    const { resident, anonymous } = memoryOf(fresh);
    await fresh.stop();
    return [
      { name: 'ready', value: fresh.readyMs!, unit: 'ms' },
      { name: 'idle memory', value: resident, unit: 'MiB' },
      { name: 'idle memory, no files', value: anonymous, unit: 'MiB' },
    ];
  },
};
