import { Client } from '@keelson/client';
import { FakeTransport } from '@keelson/client/testing/transport';
import { manualWorld } from '@keelson/client/testing/world';
import { silentLogger } from '@keelson/component/logs/logger';
import { expect, it } from 'vitest';
import type { Plugin } from '../framework/plugin.ts';
import { PodInfo } from '../pods/pod-info.ts';
import { makePod } from '../testing/objects.ts';
import { Binder, type BindingOptions, type Placed } from './binding.ts';
import { Permits } from './permits.ts';

it.each([
  [true, true, ['tells', 'prepares']],
  [true, false, []],
  [false, true, ['prepares']],
])('a pod tells of its node (%s) when it takes long to be bound (%s)', async (tellsNodes, takesLong, expected) => {
  const done: string[] = [];
  const transport = new FakeTransport(({ body }) => {
    if (Buffer.from(body!).toString().includes('"nominatedNodeName":"n"')) done.push('tells');
    return { body: {} };
  });
  const world = manualWorld();
  const client = new Client({ transport, component: 'test', world });
  const nothing = () => {};
  const plugin: Plugin = {
    name: 'slow',
    hasPreBind: () => takesLong,
    preBind: async () => void done.push('prepares'),
    bind: async () => undefined,
  };
  const binder = new Binder({
    client,
    tellsNodes,
    permits: new Permits(world.clock),
    queue: { done: nothing },
    metrics: { binding: nothing, seconds: () => 0, ran: nothing, attempted: nothing, scheduled: nothing },
    recorder: { event: nothing },
    log: silentLogger,
  } as unknown as BindingOptions);
  const pod = new PodInfo(makePod('p'));
  const profile = { name: 'default-scheduler', plugins: { preBind: [plugin], bind: [plugin], postBind: [] } };
  await binder.run(
    { profile, pod, node: 'n', queued: { info: pod, key: pod.key } } as unknown as Placed,
    AbortSignal.timeout(60_000),
  );
  expect(done).toEqual(expected);
});
