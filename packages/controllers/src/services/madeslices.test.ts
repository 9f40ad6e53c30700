import { Client } from '@keelson/client';
import { FakeTransport } from '@keelson/client/testing/transport';
import { manualWorld } from '@keelson/client/testing/world';
import { expect, it } from 'vitest';
import { MadeSlices, UNSEEN_MS } from './madeslices.ts';

function tracked() {
  const onServer = new Set<string>();
  const asked: string[] = [];
  const transport = new FakeTransport(({ path }) => {
    const name = path.split('/').at(-1)!;
    asked.push(name);
    if (onServer.has(name)) return { body: { metadata: { name } } };
    return { status: 404, body: { kind: 'Status', status: 'Failure', reason: 'NotFound', code: 404 } };
  });
  const world = manualWorld();
  const made = new MadeSlices(new Client({ transport, component: 'test', world }));
  return { made, onServer, asked, pass: (ms: number) => world.clock.advance(ms) };
}

it('waits for the informer to tell of what was made', async () => {
  const { made, asked } = tracked();
  expect(await made.isBehind('ns/web')).toBe(false);
  made.made('ns/web', 'web-1');
  made.made('ns/web', 'web-2');
  made.seen('ns/web', 'web-1');
  expect(await made.isBehind('ns/web')).toBe(true);
  expect(await made.isBehind('ns/other')).toBe(false);
  made.seen('ns/web', 'web-2');
  expect(await made.isBehind('ns/web')).toBe(false);
  expect(asked).toEqual([]);
});

it('does not wait for what is gone before the informer has seen it, and goes on to wait for what is there', async () => {
  const { made, onServer, asked, pass } = tracked();
  made.made('ns/web', 'gone');
  made.made('ns/web', 'there');
  onServer.add('there');
  pass(UNSEEN_MS);
  expect(await made.isBehind('ns/web')).toBe(true);
  expect(asked).toEqual(['gone', 'there']);
  expect(await made.isBehind('ns/web')).toBe(true);
  expect(asked).toHaveLength(2);
  onServer.clear();
  pass(UNSEEN_MS);
  expect(await made.isBehind('ns/web')).toBe(false);
});
