import { setTimeout as sleep } from 'node:timers/promises';
import { h2load } from '../load/h2load.ts';
import { longestPause, memoryOf } from '../servers/usage.ts';
import { ensureNamespace, ensurePods, JSON_BODY, NAMESPACE, pod } from './fixtures.ts';
import type { Figure, Workload } from './workload.ts';

const PODS = `/api/v1/namespaces/${NAMESPACE}/pods`;

/** On a server of its own, so that the memory is that of the pods. */
export const growth: Workload = {
  name: 'growth',
  what: 'what more and more pods of 4 KB cost: memory, GET, POST, a page, a selective list',
  goal: { lmdb: 3 },
  once: true,
  run: async ({ server, directory, sizes }) => {
    const own = server.processes.length > 0;
    const target = own ? await server.kind.start(directory()) : server;
    const figures: Figure[] = [];
    await ensureNamespace(target);
    let from = 0;
    for (const count of sizes.growth) {
      await longestPause(target);
      await ensurePods(target, count, NAMESPACE, from);
      from = count;
      const at = `at ${count.toLocaleString('en')}`;
      const rate = async (name: string, load: Partial<Parameters<typeof h2load>[0]>, seconds = 2) => {
        const { rate } = await h2load({ target, paths: [PODS], connections: 8, streams: 1, seconds, ...load });
        figures.push({ name: `${name} ${at}`, value: rate, unit: '/s' });
      };
      if (own) {
        await sleep(sizes.restSeconds * 1000);
        const { resident, anonymous } = memoryOf(target);
        figures.push({ name: `memory ${at}`, value: resident, unit: 'MiB' });
        figures.push({ name: `memory, no files ${at}`, value: anonymous, unit: 'MiB' });
      }
      await rate('get', { paths: [`${PODS}/pod-7`], streams: 8 });
      const body = JSON.stringify(pod({ generateName: 'grown-', labels: { kind: 'grown' } }));
      const { rate: created } = await h2load({
        ...{ target, paths: [PODS], headers: JSON_BODY, body, connections: 8, streams: 8, count: 1000 },
      });
      figures.push({ name: `create ${at}`, value: created, unit: '/s' });
      await rate('page', { paths: [`${PODS}?limit=500`] });
      await rate('label-few', { paths: [`${PODS}?labelSelector=kind%3Drare`] });
      const pause = await longestPause(target);
      if (pause !== undefined) figures.push({ name: `longest pause ${at}`, value: pause, unit: 'ms' });
    }
    if (own) await target.stop();
    return figures;
  },
};
