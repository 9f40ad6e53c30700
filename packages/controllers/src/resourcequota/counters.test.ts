import { Client, InformerFactory } from '@keelson/client';
import { FakeTransport } from '@keelson/client/testing/transport';
import { manualWorld, settle } from '@keelson/client/testing/world';
import { expect, test } from 'vitest';
import type { ControllerContext } from '../controller.ts';
import { defaultSettings } from '../settings.ts';
import { Counters } from './counters.ts';

const NAME = 'count/widgets.example.com';

test('custom resources are counted in the version that is served, and nobody asks for those that are no more', async () => {
  let version: string | undefined = 'v1';
  const asked: string[] = [];
  const transport = new FakeTransport(({ path }) => {
    if (path === '/api' || path === '/apis')
      return { body: { items: path === '/apis' && version ? [group(version)] : [] } };
    const [, wanted] = /^\/apis\/example.com\/(v\d)\/widgets/.exec(path) ?? [];
    asked.push(wanted ?? path);
    if (wanted !== version)
      return { status: 404, body: { kind: 'Status', code: 404, reason: 'NotFound', message: 'gone' } };
    if (path.includes('watch=')) return { status: 500 };
    return { body: { metadata: { resourceVersion: '1' }, items: [object('a'), object('b')] } };
  });
  const world = manualWorld();
  const client = new Client({ transport, world, component: 'test' });
  const counters = new Counters(
    {
      client,
      informers: new InformerFactory(client),
      world,
      settings: defaultSettings,
    } as unknown as ControllerContext,
    () => {},
  );
  const counted = async () => {
    const [found] = (await counters.of([NAME], 'ns')).counted;
    return found && [...found.objects].length;
  };
  const end = new AbortController();
  const following = counters.follow(end.signal);

  expect(await counted()).toBe(2);
  version = 'v2';
  await world.pass(31_000);
  asked.length = 0;
  expect(await counted()).toBe(2);
  expect(new Set(asked)).toEqual(new Set(['v2']));
  version = undefined;
  await world.pass(31_000);
  asked.length = 0;
  expect(await counted()).toBeUndefined();
  await world.pass(120_000);
  expect(asked).toEqual([]);

  end.abort();
  await Promise.all([following, counters.stop(), settle()]);
});

test('what cannot be listed is waited for a while, once, and told', async () => {
  const transport = new FakeTransport(({ path }) => {
    if (path === '/api' || path === '/apis') return { body: { items: path === '/apis' ? [group('v1')] : [] } };
    return { status: 500 };
  });
  const world = manualWorld();
  const client = new Client({ transport, world, component: 'test' });
  const context = {
    client,
    informers: new InformerFactory(client),
    world,
    settings: defaultSettings,
  } as unknown as ControllerContext;
  const counters = new Counters(context, () => {});
  const told: string[][] = [];
  const ask = async () => told.push([...(await counters.of([NAME, 'pods'], 'ns')).unknown]);
  void ask();
  await world.pass(9_000);
  expect(told).toEqual([]);
  await world.pass(2_000);
  void ask();
  await settle();
  expect(told).toEqual([[NAME], [NAME]]);
  await counters.stop();
});

const object = (name: string) => ({ metadata: { name, namespace: 'ns', uid: name, resourceVersion: '1' } });
const group = (version: string) => ({
  metadata: { name: 'example.com' },
  versions: [
    {
      version,
      resources: [
        {
          resource: 'widgets',
          scope: 'Namespaced',
          verbs: ['list', 'watch'],
          responseKind: { group: 'example.com', version, kind: 'Widget' },
        },
      ],
    },
  ],
});
