import { silentLogger } from '@keelson/component/logs/logger';
import { openMemoryStore } from '@keelson/storage/memory/open';
import { expect, it } from 'vitest';
import { apiServerId } from '../bootstrap/identity-lease.ts';
import { PeerAddresses } from './addresses.ts';

const KEY = '/registry/peerserverleases/apiserver-a';
const open = () => {
  const store = openMemoryStore();
  return { store, addresses: new PeerAddresses({ store, identity: 'apiserver-a', logger: silentLogger }) };
};

it('are in the store as long as their servers are there', async () => {
  const { store, addresses } = open();
  expect(await addresses.of('apiserver-a')).toBeUndefined();
  await addresses.start({ host: '2001:db8::1', port: 6443 });
  expect(await addresses.of('apiserver-a')).toEqual({ host: '2001:db8::1', port: 6443 });
  const { kv } = await store.get(KEY);
  expect(JSON.parse(Buffer.from(kv!.value).toString())).toEqual({
    kind: 'Endpoints',
    apiVersion: 'v1',
    metadata: { generation: 1, labels: { apiserverIdentity: 'apiserver-a' } },
    subsets: [{ addresses: [{ ip: '2001:db8::1' }], ports: [{ name: 'https', port: 6443, protocol: 'TCP' }] }],
  });
  await addresses.stop();
  expect(await addresses.of('apiserver-a')).toBeUndefined();
});

it('of servers that never started are nowhere', async () => {
  const { store, addresses } = open();
  await addresses.stop();
  await addresses.start({ host: '10.0.0.1', port: 6443 });
  expect((await store.get(KEY)).kv).toBeUndefined();
});

it('are read as kube-apiserver writes them', async () => {
  const { store, addresses } = open();
  const identity = apiServerId('server-b');
  await store.put(`/registry/peerserverleases/${identity}`, Buffer.from(WRITTEN, 'base64'), { expect: 0 });
  expect(await addresses.of(identity)).toEqual({ host: '192.0.2.2', port: 28644 });
});

const WRITTEN =
  'azhzAAoPCgJ2MRIJRW5kcG9pbnRzEnAKSwoAEgAaACIAKgAyADgDQgBaOQoRYXBpc2VydmVySWRlbnRpdHkSJGFwaXNlcnZlci0ybm9sd25pMjJwdHBsZmlwaTJpendhb3A2YRIhCg0KCTE5Mi4wLjIuMhoAGhAKBWh0dHBzEOTfARoDVENQGgAiAA==';
