import type { Running } from '@keelson/component/running';
import { expect, test } from 'vitest';
import { Client } from '../rest/client.ts';
import { FakeObjects } from '../testing/objects.ts';
import { FakeTransport } from '../testing/transport.ts';
import { manualWorld } from '../testing/world.ts';
import { elected } from './elected.ts';

function candidates() {
  const world = manualWorld();
  const leases = new FakeObjects();
  const transport = new FakeTransport((request) => leases.answer(request));
  const client = new Client({ transport, component: 'test', world });
  const log: string[] = [];
  const part = (name: string, identity = name) => {
    const ending = Promise.withResolvers<void>();
    const start = async (): Promise<Running> => {
      log.push(`${name} starts`);
      const stop = async () => {
        log.push(`${name} stops`);
        ending.resolve();
      };
      return { done: ending.promise, stop };
    };
    const options = { client, namespace: 'kube-system', name: 'lock', identity, release: true };
    return { running: elected(options, start), fail: ending.reject };
  };
  return { world, log, part };
}

test('one runs; when it is stopped and has given the lease back, the other starts', async () => {
  const { world, log, part } = candidates();
  const a = part('a');
  await world.pass(100);
  const b = part('b');
  await world.pass(10_000);
  expect(log).toEqual(['a starts']);
  await a.running.stop();
  await world.pass(5_000);
  expect(log).toEqual(['a starts', 'a stops', 'b starts']);
  await b.running.stop();
});

test('one that is stopped before it led never starts', async () => {
  const { world, log, part } = candidates();
  part('a');
  await world.pass(100);
  const b = part('b');
  await world.pass(100);
  await b.running.stop();
  await world.pass(60_000);
  expect(log).toEqual(['a starts']);
});

test('what ends it ends the lead', async () => {
  const { world, part } = candidates();
  const a = part('a');
  await world.pass(100);
  a.fail(new Error('out of luck'));
  const outcome = expect(a.running.done).rejects.toThrow('out of luck');
  await world.pass(5_000);
  await outcome;
});

test('the same identity goes on with its lease at once, as after a crash', async () => {
  const { world, log, part } = candidates();
  part('first', 'same');
  await world.pass(100);
  part('second', 'same');
  await world.pass(100);
  expect(log).toEqual(['first starts', 'second starts']);
});
