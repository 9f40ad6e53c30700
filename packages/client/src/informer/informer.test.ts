import type { TypedObject } from '@keelson/api/object';
import { afterEach, describe, expect, it } from 'vitest';
import { Client } from '../rest/client.ts';
import { ConnectionError, type WireRequest } from '../rest/transport.ts';
import { Channel } from '../testing/channel.ts';
import { FakeTransport } from '../testing/transport.ts';
import { manualWorld, settle } from '../testing/world.ts';
import { InformerFactory } from './factory.ts';
import { Informer, type InformerOptions } from './informer.ts';

interface Widget extends TypedObject {
  spec?: string;
}
const widget = (name: string, resourceVersion: number, rest: Partial<Widget> & { uid?: string } = {}): Widget => {
  const { uid = `uid-${name}`, ...more } = rest;
  return { metadata: { name, resourceVersion: String(resourceVersion), uid }, ...more };
};
const definition = { group: 'x.io', version: 'v1', resource: 'widgets', namespaced: false };
const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

/** A server of one collection: lists `items`, and each watch is a channel that the test fills. */
function fixture(options: InformerOptions<Widget> = { streaming: false }, streamsLists?: boolean) {
  const world = { ...manualWorld(), streamsLists };
  const state = {
    items: [] as Widget[],
    revision: '1',
    watches: [] as Channel<Uint8Array>[],
    listError: undefined as unknown,
  };
  const transport = new FakeTransport(({ path, signal }: WireRequest) => {
    if (!path.includes('watch=true')) {
      if (state.listError) throw state.listError;
      return { body: { kind: 'WidgetList', metadata: { resourceVersion: state.revision }, items: state.items } };
    }
    const channel = new Channel<Uint8Array>();
    signal?.addEventListener('abort', () => channel.fail(signal.reason));
    state.watches.push(channel);
    return { body: channel };
  });
  const client = new Client({ transport, component: 'test', world });
  const informer = new Informer<Widget>(client.resource<Widget>(definition), world, options);
  cleanups.push(() => informer.stop());
  const seen: string[] = [];
  const name = (o: Widget) => `${o.metadata.name}@${o.metadata.resourceVersion}`;
  const registration = informer.addHandler({
    added: (o, initial) => seen.push(`+${name(o)}${initial ? ' initial' : ''}`),
    updated: (old, o) => seen.push(`${name(old)}→${name(o)}`),
    deleted: (o, unseen) => seen.push(`-${name(o)}${unseen ? ' unseen' : ''}`),
  });
  const send = async (type: string, object: object) => {
    state.watches.at(-1)!.push(Buffer.from(`${JSON.stringify({ type, object })}\n`));
    await settle();
  };
  return { informer, world, state, transport, seen, send, registration, client };
}

describe('Informer', () => {
  it('lists, then follows the watch', async () => {
    const { informer, state, seen, send, transport } = fixture();
    state.items = [widget('a', 1), widget('b', 2)];
    state.revision = '5';
    expect(informer.hasSynced).toBe(false);
    informer.start();
    await informer.synced;
    await settle();
    await send('ADDED', widget('c', 6));
    await send('MODIFIED', widget('a', 7));
    await send('DELETED', widget('b', 8));
    await send('BOOKMARK', { metadata: { resourceVersion: '9' } });
    expect(seen).toEqual(['+a@1 initial', '+b@2 initial', '+c@6', 'a@1→a@7', '-b@8']);
    expect(informer.store.list().map((o) => o.metadata.name)).toEqual(['a', 'c']);
    state.watches[0]!.fail(new ConnectionError('broken', 'lost'));
    await settle();
    expect(transport.requests.length).toBe(2);
    expect(transport.requests[1]!.path).toContain('resourceVersion=5');
  });

  it('takes a broken watch up at its last revision, after a pause', async () => {
    const { informer, state, seen, send, world, transport } = fixture();
    informer.start();
    await informer.synced;
    await settle();
    await send('ADDED', widget('a', 6));
    state.watches[0]!.fail(new ConnectionError('broken', 'lost'));
    await world.pass(1000);
    expect(state.watches.length).toBe(1);
    await world.pass(300);
    expect(state.watches.length).toBe(2);
    expect(transport.requests.at(-1)!.path).toContain('resourceVersion=6');
    await send('MODIFIED', widget('a', 7));
    expect(seen).toEqual(['+a@6', 'a@6→a@7']);
  });

  it('lists again after 410, and tells what was missed', async () => {
    const { informer, state, seen, send, world } = fixture();
    state.items = [widget('a', 1), widget('b', 2), widget('c', 3), widget('d', 4)];
    informer.start();
    await informer.synced;
    await settle();
    seen.length = 0;
    state.items = [widget('a', 1), widget('b', 12), widget('c', 13, { uid: 'another' })];
    await send('ERROR', { kind: 'Status', code: 410, reason: 'Expired' });
    await world.pass(2000);
    expect(seen).toEqual(['b@2→b@12', '-c@3 unseen', '+c@13', '-d@4 unseen']);
  });

  it('waits longer each time that listing fails', async () => {
    const { informer, state, transport, world } = fixture();
    state.listError = new ConnectionError('unreachable', 'refused');
    informer.start();
    const after: number[] = [];
    for (let i = 0; i < 6; i++) {
      await world.pass(1200 * 2 ** i);
      after.push(transport.requests.length);
    }
    expect(after).toEqual([2, 3, 4, 5, 6, 7]);
    state.listError = undefined;
    await world.pass(60_000);
    expect(informer.hasSynced).toBe(true);
  });

  it('begins with a streaming list where it may', async () => {
    const { informer, seen, send, transport } = fixture({});
    informer.start();
    await settle();
    expect(transport.requests[0]!.path).toContain('sendInitialEvents=true&resourceVersionMatch=NotOlderThan');
    await send('ADDED', widget('a', 3));
    expect(informer.hasSynced).toBe(false);
    await send('BOOKMARK', {
      metadata: { resourceVersion: '5', annotations: { 'k8s.io/initial-events-end': 'true' } },
    });
    await informer.synced;
    await send('ADDED', widget('b', 6));
    expect(seen).toEqual(['+a@3 initial', '+b@6']);
    expect(transport.requests.length).toBe(1);
  });

  it('lists where the world has no streams', async () => {
    const { informer, transport } = fixture({}, false);
    informer.start();
    await informer.synced;
    expect(transport.requests[0]!.path).not.toContain('watch=true');
  });

  it('drops what the transform drops', async () => {
    const transform = ({ metadata }: Widget): Widget => ({ metadata });
    const { informer, state, send } = fixture({ streaming: false, transform });
    state.items = [widget('a', 1, { spec: 'big' })];
    informer.start();
    await informer.synced;
    await settle();
    await send('ADDED', widget('b', 6, { spec: 'big' }));
    expect(informer.store.list().map((o) => o.spec)).toEqual([undefined, undefined]);
  });

  it('a late handler is told of what is there; a removed one of nothing', async () => {
    const { informer, state, send, seen, registration } = fixture();
    state.items = [widget('a', 1)];
    informer.start();
    await informer.synced;
    await settle();
    const late: string[] = [];
    informer.addHandler({ added: (o, initial) => late.push(`${o.metadata.name} ${initial}`) });
    registration.remove();
    await send('ADDED', widget('b', 2));
    expect(late).toEqual(['a true', 'b false']);
    expect(seen).toEqual(['+a@1 initial']);
  });

  it('a handler that throws keeps nobody else from being told', async () => {
    const { informer, state } = fixture();
    const told: string[] = [];
    informer.addHandler({
      added: () => {
        throw new Error('oops');
      },
    });
    informer.addHandler({ added: (o) => told.push(o.metadata.name!) });
    state.items = [widget('a', 1), widget('b', 2)];
    informer.start();
    await informer.synced;
    expect(told).toEqual(['a', 'b']);
  });

  it('resyncs', async () => {
    const { informer, state, seen, world } = fixture({ streaming: false, resyncMs: 10_000 });
    state.items = [widget('a', 1)];
    informer.start();
    await informer.synced;
    await world.pass(20_000);
    expect(seen).toEqual(['+a@1 initial', 'a@1→a@1', 'a@1→a@1']);
  });

  it('stops, also before it has synced', async () => {
    const { informer, state } = fixture();
    state.listError = new ConnectionError('unreachable', 'refused');
    informer.start();
    await settle();
    await informer.stop();
    await expect(informer.synced).rejects.toThrow('stopped before');
  });
});

describe('InformerFactory', () => {
  it('shares an informer among those who want the same', async () => {
    const { client, transport } = fixture();
    const factory = new InformerFactory(client, { streaming: false });
    cleanups.push(() => factory.stop());
    const one = factory.informer<Widget>(definition);
    expect(factory.informer<Widget>(definition)).toBe(one);
    expect(factory.informer<Widget>(definition, { labelSelector: 'a=b' })).not.toBe(one);
    expect(() => factory.informer<Widget>(definition, { transform: (o) => o })).toThrow('another transform');
    factory.start();
    await factory.synced();
    await settle();
    expect(transport.requests.length).toBe(4);
    const late = factory.informer<Widget>(definition, { fieldSelector: 'metadata.name=a' });
    await late.synced;
  });
});
