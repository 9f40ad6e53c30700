import { Client } from '@keelson/client';
import { Channel } from '@keelson/client/testing/channel';
import { FakeTransport } from '@keelson/client/testing/transport';
import { manualWorld } from '@keelson/client/testing/world';
import type { Running } from '@keelson/component/running';
import { afterEach, expect, test } from 'vitest';
import { namespace, pod, policy } from '../testing/policy-objects.ts';
import { startPolicies } from './policies.ts';

let running: Running | undefined;
afterEach(async () => {
  await running?.stop();
  running = undefined;
});

const collections = ['pods', 'namespaces', 'networkpolicies'] as const;
type Collection = (typeof collections)[number];

/** With an API server whose objects a test changes, and a kernel that refuses what a test says. */
async function started(objects: Record<Collection, readonly object[]>) {
  const world = manualWorld();
  const watches = new Map<string, Channel<Uint8Array>>();
  let revision = 10;
  const event = (type: string, object: object) => {
    const { metadata, ...rest } = object as { metadata: object };
    const numbered = { ...rest, metadata: { ...metadata, resourceVersion: String(++revision) } };
    return Buffer.from(`${JSON.stringify({ type, object: numbered })}\n`);
  };
  const transport = new FakeTransport(({ path, signal }) => {
    const name = collections.find((each) => path.split('?')[0]!.endsWith(`/${each}`))!;
    const watch = new Channel<Uint8Array>();
    watches.set(name, watch);
    signal?.addEventListener('abort', () => watch.fail(signal.reason));
    watch.push(...objects[name].map((each) => event('ADDED', each)));
    watch.push(event('BOOKMARK', { metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } }));
    return { body: watch };
  });
  const kernel = {
    transactions: [] as string[],
    refused: 0,
    refuses: false,
    async applyTables(text: string) {
      if (kernel.refuses) {
        kernel.refused++;
        throw new Error('no nft');
      }
      kernel.transactions.push(text);
    },
  };
  running = startPolicies({ client: new Client({ transport, component: 'test', world }), nodeName: 'here', kernel });
  const until = async (check: () => unknown) => {
    for (let passes = 0; ; passes++) {
      await world.pass(1_000);
      await new Promise(setImmediate);
      try {
        return await check();
      } catch (error) {
        if (passes > 200) throw error;
      }
    }
  };
  const tell = (name: Collection, type: string, object: object) => watches.get(name)!.push(event(type, object));
  return { kernel, until, tell };
}

const whole = (text: string | undefined) => text?.startsWith('add table inet keelson-policies\ndelete table ');
const web = pod('a/web', ['10.1.0.1']);
const objects = () => ({ pods: [web], namespaces: [namespace('a', {})], networkpolicies: [policy('a/deny', {})] });

test('the table is replaced at the start and each minute, and is otherwise told what differs', async () => {
  const { kernel, until, tell } = await started(objects());
  await until(() => expect(kernel.transactions).toHaveLength(1));
  expect(whole(kernel.transactions[0])).toBe(true);
  expect(kernel.transactions[0]).toMatch(/add element inet keelson-policies ingress-pods-4 \{ 10\.1\.0\.1 : jump /);
  tell('pods', 'ADDED', pod('a/other', ['10.1.0.2']));
  await until(() => expect(kernel.transactions).toHaveLength(2));
  expect(whole(kernel.transactions[1])).toBe(false);
  expect(kernel.transactions[1]).toContain('10.1.0.2 : jump ');
  expect(kernel.transactions[1]).not.toContain('rule');
  // What no policy looks at is no change.
  tell('pods', 'MODIFIED', { ...web, status: { ...web.status, message: 'well' } });
  await until(() => expect(kernel.transactions).toHaveLength(3));
  expect(whole(kernel.transactions[2])).toBe(true);
  tell('networkpolicies', 'DELETED', policy('a/deny', {}));
  await until(() => expect(kernel.transactions.at(-1)).toContain('delete element'));
});

test('after a failure all is written', async () => {
  const { kernel, until, tell } = await started(objects());
  await until(() => expect(kernel.transactions).toHaveLength(1));
  kernel.refuses = true;
  tell('pods', 'ADDED', pod('a/other', ['10.1.0.2']));
  await until(() => expect(kernel.refused).toBeGreaterThan(0));
  kernel.refuses = false;
  await until(() => expect(kernel.transactions).toHaveLength(2));
  expect(whole(kernel.transactions[1])).toBe(true);
  expect(kernel.transactions[1]).toContain('10.1.0.2 : jump ');
});
