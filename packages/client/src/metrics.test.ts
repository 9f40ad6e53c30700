import { MetricsRegistry } from '@keelson/component/metrics/registry';
import { describe, expect, it } from 'vitest';
import { ClientMetrics } from './metrics.ts';
import { Client } from './rest/client.ts';
import { ConnectionError } from './rest/transport.ts';
import { FakeTransport } from './testing/transport.ts';
import { manualWorld } from './testing/world.ts';
import { WorkQueue } from './workqueue/queue.ts';

function counting() {
  const plain = manualWorld();
  const registry = new MetricsRegistry();
  const metrics = new ClientMetrics(registry, () => plain.clock.now() / 1000);
  /** Lines of a family, without buckets. */
  const lines = async (name: string) =>
    (await registry.text())
      .split('\n')
      .filter((line) => line.startsWith(name) && !line.includes('_bucket'))
      .map((line) => line.slice(name.length));
  return { world: { ...plain, metrics }, clock: plain.clock, lines };
}

describe('a work queue', () => {
  it('tells what waits, what is worked on and for how long', async () => {
    const { world, clock, lines } = counting();
    const queue = new WorkQueue<string>(world, 'q');
    queue.add('a');
    queue.add('b');
    queue.add('a');
    expect(await lines('workqueue_depth')).toEqual(['{name="q"} 2']);
    expect(await lines('workqueue_adds_total')).toEqual(['{name="q"} 2']);
    clock.advance(3000);
    await queue.get();
    queue.add('a');
    queue.add('a');
    expect(await lines('workqueue_depth')).toEqual(['{name="q"} 2']);
    clock.advance(2000);
    await queue.get();
    clock.advance(1000);
    expect(await lines('workqueue_unfinished_work_seconds')).toEqual(['{name="q"} 4']);
    expect(await lines('workqueue_longest_running_processor_seconds')).toEqual(['{name="q"} 3']);
    expect(await lines('workqueue_queue_duration_seconds')).toEqual(['_sum{name="q"} 8', '_count{name="q"} 2']);
    queue.done('a');
    queue.done('b');
    expect(await lines('workqueue_work_duration_seconds')).toEqual(['_sum{name="q"} 4', '_count{name="q"} 2']);
    expect(await lines('workqueue_depth')).toEqual(['{name="q"} 1']);
    queue.addRateLimited('c');
    queue.addAfter('d', 1000);
    expect(await lines('workqueue_retries_total')).toEqual(['{name="q"} 2']);
  });

  it('shares its series with others of its name', async () => {
    const { world, lines } = counting();
    new WorkQueue<string>(world, 'q').add('a');
    new WorkQueue<string>(world, 'q').add('a');
    expect(await lines('workqueue_depth')).toEqual(['{name="q"} 2']);
  });
});

describe('a client', () => {
  it('tells what its calls were answered, and how long they took', async () => {
    const { world, clock, lines } = counting();
    const answers = [200, 404, undefined];
    const transport = new FakeTransport((_, i) => {
      clock.advance(500);
      const status = answers[i];
      if (status === undefined) throw new ConnectionError('unreachable', 'away');
      return { status, body: { kind: 'Status', code: status } };
    });
    const client = new Client({ transport, component: 'test', host: 'server:1', world });
    for (const _ of answers)
      await client
        .resource('pods')
        .get({ namespace: 'n', name: 'p' })
        .catch(() => {});
    expect(await lines('rest_client_requests_total')).toEqual([
      '{code="200",host="server:1",method="GET"} 1',
      '{code="404",host="server:1",method="GET"} 1',
      '{code="<error>",host="server:1",method="GET"} 1',
    ]);
    expect(await lines('rest_client_request_duration_seconds')).toEqual([
      '_sum{host="server:1",verb="GET"} 1.5',
      '_count{host="server:1",verb="GET"} 3',
    ]);
  });

  it('tells how large the bodies of its calls are', async () => {
    const { world, lines } = counting();
    const client = new Client({ transport: new FakeTransport(() => ({ body: {} })), component: 't', host: 'h', world });
    const pod = { metadata: { namespace: 'n', name: 'p' }, spec: { containers: [] } };
    await client.resource('pods').create(pod);
    expect(await lines('rest_client_request_size_bytes')).toEqual([
      `_sum{host="h",verb="POST"} ${JSON.stringify(pod).length}`,
      '_count{host="h",verb="POST"} 1',
    ]);
  });

  it('tells for how long its limit held calls back', async () => {
    const { world, lines } = counting();
    const transport = new FakeTransport(() => ({ body: {} }));
    const client = new Client({ transport, component: 't', host: 'h', world, rateLimit: { qps: 1, burst: 1 } });
    const calls = [1, 2].map(() => client.resource('nodes').list());
    await world.pass(5000);
    await Promise.all(calls);
    expect(await lines('rest_client_rate_limiter_duration_seconds')).toEqual([
      '_sum{host="h",verb="GET"} 1',
      '_count{host="h",verb="GET"} 2',
    ]);
  });
});
