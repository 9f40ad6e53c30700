import type { Pod, PodStatus } from '@keelson/api/generated/types/core/v1';
import { Client } from '@keelson/client';
import { FakeTransport } from '@keelson/client/testing/transport';
import { manualWorld } from '@keelson/client/testing/world';
import { expect, test } from 'vitest';
import { container, podOf } from '../testing/pods.ts';
import { StatusManager } from './manager.ts';

/** A status manager of one static pod, whose mirrors the test makes; `written` tells to which of them. */
function managerOf() {
  const world = manualWorld();
  const written: string[] = [];
  let mirror: Pod | undefined;
  const transport = new FakeTransport(({ body }) => {
    const { status } = JSON.parse(Buffer.from(body!).toString()) as { status: PodStatus };
    mirror = { ...mirror!, status: { ...mirror!.status, ...status } };
    written.push(mirror.metadata.uid!);
    return { body: mirror };
  });
  const client = new Client({ transport, component: 'kubelet', world });
  const manager = new StatusManager({ client, world, stored: () => mirror, mayRun: () => true });
  const observe = (pod: Pod) => {
    mirror = pod;
    manager.observe('static');
    return world.pass(0);
  };
  return { manager, world, written, observe };
}

const pod = podOf({ containers: [container('a')] });
const mirrorOf = (uid: string, status: PodStatus = {}): Pod => ({ ...pod, metadata: { ...pod.metadata, uid }, status });
const running: PodStatus = { phase: 'Running' };

test('a status waits for the first mirror, and is told of a mirror that takes its place at once', async () => {
  const { manager, world, written, observe } = managerOf();
  manager.set(pod, 'static', running);
  await world.pass(0);
  expect(written).toEqual([]);
  await observe(mirrorOf('first'));
  await observe(mirrorOf('second'));
  expect(written).toEqual(['first', 'second']);
});

test('what somebody else has made of a status is put right after a while', async () => {
  const { manager, world, written, observe } = managerOf();
  manager.set(pod, 'static', running);
  await observe(mirrorOf('first'));
  await observe(mirrorOf('first', { phase: 'Pending' }));
  expect(written).toEqual(['first']);
  await world.pass(10_000);
  expect(written).toEqual(['first', 'first']);
});

test('a deletion that is told of while the last status is being written is carried out behind it', async () => {
  const world = manualWorld();
  const methods: string[] = [];
  const uid = pod.metadata.uid!;
  const versioned = (resourceVersion: string): Pod => ({ ...pod, metadata: { ...pod.metadata, resourceVersion } });
  let known = versioned('1');
  const transport = new FakeTransport(({ method, body }) => {
    methods.push(method);
    if (method === 'DELETE') return { body: { kind: 'Status', status: 'Success' } };
    const { status } = JSON.parse(Buffer.from(body!).toString()) as { status: PodStatus };
    const answer = { ...versioned('2'), status };
    const { metadata } = versioned('3');
    known = { ...answer, metadata: { ...metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } };
    manager.observe(uid);
    return { body: answer };
  });
  const client = new Client({ transport, component: 'kubelet', world });
  const manager = new StatusManager({ client, world, stored: () => known, mayRun: () => false });
  manager.set(pod, uid, { phase: 'Succeeded' }, true);
  await world.pass(0);
  expect(methods).toEqual(['PATCH', 'DELETE']);
});
