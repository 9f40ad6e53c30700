import { ManualClock, systemClock } from '@keelson/api/clock';
import { parseKubeconfig } from '@keelson/client/rest/kubeconfig';
import { afterEach, expect, it, vi } from 'vitest';
import { KubeconfigWebhook } from '../webhook/kubeconfig.ts';
import { type Said, startTestServer, type TestServer } from '../webhook/testing.ts';
import type { AuditEvent } from './event.ts';
import { type AuditSink, auditSink, type SinkOptions } from './sink.ts';
import { webhookBackend } from './webhook.ts';

const servers: TestServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

const event = (name: string): AuditEvent => ({
  level: 'Request',
  stage: 'ResponseComplete',
  json: () => '',
  item: () => `{"auditID":"${name}"}`,
  withoutBodies: () => event(name),
  legacy: () => '',
});

async function setUp(options: Partial<SinkOptions>, answers: (Said | undefined)[] = []) {
  const server = await startTestServer(() => (answers.length > 0 ? answers.shift() : { body: '{}' }));
  servers.push(server);
  const lost: string[] = [];
  const clock = new ManualClock();
  const webhook = new KubeconfigWebhook(parseKubeconfig(server.kubeconfig('/audit/', 'token: secret'), '/'), {
    clock: systemClock,
  });
  const sink: AuditSink = auditSink({
    backend: webhookBackend(webhook, { clock, random: () => 0 }, 10_000),
    mode: 'batch',
    batch: { bufferSize: 10, maxSize: 2, maxWaitMs: 30_000 },
    clock,
    onLost: (plugin, error, events) => lost.push(`${plugin} ${events} ${error.message}`),
    ...options,
  });
  return { server, sink, clock, lost };
}
const idsOf = (server: TestServer) =>
  server.received.map(({ body }) => (JSON.parse(body) as { items: { auditID: string }[] }).items.map((e) => e.auditID));

it('takes events in batches, or after a while', async () => {
  const { server, sink, clock } = await setUp({});
  for (const name of ['1', '2', '3']) await sink.process(event(name));
  await vi.waitFor(() => expect(idsOf(server)).toEqual([['1', '2']]));
  clock.advance(30_000);
  await vi.waitFor(() => expect(idsOf(server)).toHaveLength(2));
  expect(server.received[0]).toMatchObject({
    method: 'POST',
    path: '/audit?timeout=30s',
    headers: { authorization: 'Bearer secret', 'content-type': 'application/json' },
    body: '{"kind":"EventList","apiVersion":"audit.k8s.io/v1","metadata":{},"items":[{"auditID":"1"},{"auditID":"2"}]}',
  });
  await sink.close();
});

it('is asked again whatever it says, each time after half as long again, and five times at most', async () => {
  const failures = [400, 500, 403, 404, 429].map((status) => ({ status, body: 'no' }));
  const { server, sink, clock, lost } = await setUp({ mode: 'blocking-strict' }, [...failures]);
  const processed = sink.process(event('1')).catch((error: Error) => error.message);
  for (const [attempts, pause] of [10_000, 15_000, 22_500, 33_750].entries()) {
    await vi.waitFor(() => expect(server.received).toHaveLength(attempts + 1));
    await new Promise((resolve) => setTimeout(resolve, 20));
    clock.advance(pause - 1);
    expect(server.received).toHaveLength(attempts + 1);
    clock.advance(1);
  }
  const message = 'the server has received too many requests and has asked us to try again later';
  expect(await processed).toBe(message);
  expect(lost).toEqual([`webhook 1 ${message}`]);
});

it('a batch that is too large goes in parts, an event that is too large not at all', async () => {
  const { server, sink, lost } = await setUp({ truncate: { maxEventBytes: 20, maxBatchBytes: 29 } });
  for (const name of ['1', 'much-too-long', '2']) await sink.process(event(name));
  await vi.waitFor(() => expect(idsOf(server)).toEqual([['1'], ['2']]));
  expect(lost).toEqual(['truncate 1 event is too large even after truncating']);
});

it('ends without waiting for a webhook that does not answer', async () => {
  const { sink, lost, server } = await setUp({ batch: { bufferSize: 10, maxSize: 1, maxWaitMs: 0 } }, [
    undefined,
    undefined,
  ]);
  await sink.process(event('1'));
  await vi.waitFor(() => expect(server.received).toHaveLength(1));
  await sink.close();
  expect(lost).toEqual([expect.stringMatching(/^webhook 1 Post "https:.*\/audit\?timeout=30s": EOF$/)]);
});
