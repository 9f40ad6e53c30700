import type { Node } from '@keelson/api/generated/types/core/v1';
import type { EndpointSlice } from '@keelson/api/generated/types/discovery/v1';
import { Client } from '@keelson/client';
import { Channel } from '@keelson/client/testing/channel';
import { FakeTransport } from '@keelson/client/testing/transport';
import { manualWorld } from '@keelson/client/testing/world';
import { expect, test } from 'vitest';
import { followMachines, withReadiness } from './machines.ts';

const node = (name: string, status: string): Node =>
  ({ metadata: { name, uid: name }, status: { conditions: [{ type: 'Ready', status }] } }) as Node;
const slice = (name: string, nodeName: string | undefined, ready: boolean): EndpointSlice => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name, namespace: 'kube-system', uid: name },
  addressType: 'IPv4',
  endpoints: [{ addresses: ['10.0.0.1'], conditions: { ready }, ...(nodeName && { nodeName }) }],
  ports: [],
});
const [up, down] = ['True', 'Unknown'];

test.each<[string, EndpointSlice[], Node[], Record<string, boolean>]>([
  ['all is said', [slice('a', 'a', true), slice('b', 'b', false)], [node('a', up), node('b', down)], {}],
  ['one is lost', [slice('a', 'a', true), slice('b', 'b', true)], [node('a', up), node('b', down)], { b: false }],
  ['it was deleted', [slice('a', 'a', true), slice('b', 'b', true)], [node('a', up)], { b: false }],
  ['it is back', [slice('a', 'a', true), slice('b', 'b', false)], [node('a', up), node('b', up)], { b: true }],
  ['all are lost', [slice('a', 'a', true), slice('b', 'b', true)], [node('a', down), node('b', down)], {}],
  ['of no machine', [slice('a', undefined, true)], [], {}],
])('%s', (_, slices, nodes, expected) => {
  const changes = withReadiness(slices, nodes).map(({ metadata, endpoints }) => [
    metadata.name,
    endpoints![0]!.conditions!.ready,
  ]);
  expect(Object.fromEntries(changes)).toEqual(expected);
});

test('a machine that is lost, and comes back', async () => {
  const world = manualWorld();
  const watches = new Map<string, Channel<Uint8Array>>();
  const objects = {
    nodes: [node('a', up), node('b', up)],
    endpointslices: [slice('a', 'a', true), slice('b', 'b', true)],
  };
  let revision = 10;
  let refusals = 1;
  const event = (type: string, object: object) => {
    const { metadata, ...rest } = object as { metadata: object };
    const numbered = { ...rest, metadata: { ...metadata, resourceVersion: String(++revision) } };
    return Buffer.from(`${JSON.stringify({ type, object: numbered })}\n`);
  };
  const said: string[] = [];
  const transport = new FakeTransport(({ path, method, body, signal }) => {
    if (method === 'PUT') {
      if (refusals-- > 0) throw new Error('not now');
      const changed = JSON.parse(String(body)) as EndpointSlice;
      said.push(`${changed.metadata.name} ${changed.endpoints![0]!.conditions!.ready}`);
      watches.get('endpointslices')!.push(event('MODIFIED', changed));
      return { body: changed };
    }
    const name = path.includes('/nodes') ? 'nodes' : 'endpointslices';
    const watch = new Channel<Uint8Array>();
    watches.set(name, watch);
    signal?.addEventListener('abort', () => watch.fail(signal.reason));
    watch.push(...objects[name].map((each) => event('ADDED', each)));
    watch.push(event('BOOKMARK', { metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } }));
    return { body: watch };
  });
  const client = new Client({ transport, component: 'test', world });
  const running = followMachines({ client, namespace: 'kube-system', labelSelector: 'a=b' });
  const until = async (expected: string[]) => {
    for (let passes = 0; said.join() !== expected.join() && passes < 500; passes++) {
      await world.pass(1_000);
      await new Promise(setImmediate);
    }
    expect(said).toEqual(expected);
  };
  for (let i = 0; i < 20; i++) await new Promise(setImmediate);
  watches.get('nodes')!.push(event('MODIFIED', node('b', down)));
  await until(['b false']);
  expect(refusals).toBe(-1);
  watches.get('nodes')!.push(event('MODIFIED', node('b', up)));
  await until(['b false', 'b true']);
  await running.stop();
});
