import type { TypedObject } from '@keelson/api/object';
import { Client, InformerFactory } from '@keelson/client';
import { FakeTransport } from '@keelson/client/testing/transport';
import { manualWorld } from '@keelson/client/testing/world';
import { expect, test } from 'vitest';
import type { ControllerContext } from '../controller.ts';
import { defaultSettings } from '../settings.ts';
import { start } from './controller.ts';

test('collects what it knows of, though a resource cannot be listed', async () => {
  const owner = { apiVersion: 'example.com/v1', kind: 'Widget', name: 'gone', uid: 'gone' };
  const orphan = object('orphan', { ownerReferences: [owner] });
  const answers: Record<string, object> = {
    '/api': { items: [] },
    '/apis': { items: [group('widgets', 'gadgets')] },
    '/apis/example.com/v1/gadgets': { metadata: { resourceVersion: '2' }, items: [orphan] },
    '/apis/example.com/v1/namespaces/ns/gadgets/orphan': orphan,
  };
  const deleted: string[] = [];
  const transport = new FakeTransport(({ method, path }) => {
    if (method === 'DELETE') deleted.push(path);
    const body = answers[path.split('?')[0]!];
    if (path.includes('watch=') || path.startsWith('/apis/example.com/v1/widgets')) return { status: 500 };
    return body ? { body } : { status: 404, body: { kind: 'Status', code: 404, reason: 'NotFound', message: 'gone' } };
  });
  const world = manualWorld();
  const client = new Client({ transport, world, component: 'test' });
  const recorder = { event: () => {} };
  const informers = new InformerFactory(client);
  const context = { client, informers, world, settings: defaultSettings, recorder: () => recorder };
  const running = await start(context as unknown as ControllerContext);
  await world.pass(10_000);
  expect(deleted).toEqual([]);
  await world.pass(25_000);
  expect(deleted).toEqual(['/apis/example.com/v1/namespaces/ns/gadgets/orphan']);
  await running.stop();
});

const object = (name: string, more: object): TypedObject => ({
  metadata: { name, namespace: 'ns', uid: name, resourceVersion: '1', ...more },
});
const group = (...resources: string[]) => ({
  metadata: { name: 'example.com' },
  versions: [
    {
      version: 'v1',
      resources: resources.map((resource) => ({
        resource,
        scope: 'Namespaced',
        verbs: ['delete', 'list', 'watch'],
        responseKind: { group: 'example.com', version: 'v1', kind: resource === 'widgets' ? 'Widget' : 'Gadget' },
      })),
    },
  ],
});
