import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ControlledCluster, startControlled } from './cluster.ts';

const namespace = 'default';
const poll = { timeout: 10_000 };
const TRIGGER = 'endpoints.kubernetes.io/last-change-trigger-time';
let cluster: ControlledCluster;
beforeAll(async () => {
  cluster = await startControlled(['endpointslice-controller', 'endpoints-controller'], []);
  const nodes = cluster.client.resource('nodes');
  for (const zone of ['a', 'b']) {
    const node = await nodes.create({ metadata: { name: zone, labels: { 'topology.kubernetes.io/zone': zone } } });
    const conditions = [{ type: 'Ready', status: 'True' }];
    await nodes.updateStatus({ ...node, status: { ...node.status!, allocatable: { cpu: '4' }, conditions } });
  }
}, 60_000);
afterAll(() => cluster?.stop());

const services = () => cluster.client.resource('services');
const slices = async () => (await cluster.client.resource('endpointslices.discovery.k8s.io').list({ namespace })).items;
const web = async () =>
  (await slices()).find(({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === 'web');
const run = async (name: string, node: string, ip: string, since: string) => {
  const pods = cluster.client.resource('pods');
  const spec = { nodeName: node, containers: [{ name: 'c', image: 'i' }] };
  const pod = await pods.create({ metadata: { namespace, name, labels: { app: 'web' } }, spec });
  const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: since }];
  await pods.updateStatus({ ...pod, status: { phase: 'Running', podIP: ip, podIPs: [{ ip }], conditions } });
};
const hints = async () =>
  (await web())?.endpoints
    ?.map(({ nodeName, hints }) => `${nodeName}>${hints?.forZones?.map(({ name }) => name)}`)
    .sort();

it('endpoints say when what they tell of has changed', async () => {
  const service = await services().create({
    metadata: { namespace, name: 'web' },
    spec: { selector: { app: 'web' }, ports: [{ port: 80 }] },
  });
  const endpoints = async () => {
    const { items } = await cluster.client.resource('endpoints').list({ namespace });
    return items.find(({ metadata }) => metadata.name === 'web');
  };
  const told = async () =>
    [(await endpoints())?.metadata, (await web())?.metadata].map((m) => m?.annotations?.[TRIGGER]);
  const { creationTimestamp } = service.metadata;
  await expect.poll(told, poll).toEqual([creationTimestamp, creationTimestamp]);
  const later = '2100-01-01T00:00:05Z';
  await run('p1', 'a', '10.1.0.1', later);
  await expect.poll(told, poll).toEqual([later, later]);
});

it('endpoints are spread over zones where a service wants that', async () => {
  await run('p2', 'a', '10.1.0.2', '2100-01-01T00:00:06Z');
  await expect.poll(hints, poll).toEqual(['a>undefined', 'a>undefined']);
  const mode = (value: string | null) =>
    services().patch({ namespace, name: 'web' }, 'merge', {
      metadata: { annotations: { 'service.kubernetes.io/topology-mode': value } },
    });
  await mode('Auto');
  await expect.poll(hints, poll).toEqual(['a>a', 'a>b']);
  await mode(null);
  await expect.poll(hints, poll).toEqual(['a>undefined', 'a>undefined']);
  const told = async () => {
    const { items } = await cluster.client.resource('events').list({ namespace });
    return items.map(({ type, reason, message }) => `${type} ${reason}: ${message}`).sort();
  };
  await expect
    .poll(told, poll)
    .toEqual([
      'Normal TopologyAwareHintsEnabled: Topology Aware Hints has been enabled, addressType: IPv4',
      'Warning TopologyAwareHintsDisabled: Topology Aware Hints has been disabled, addressType: IPv4',
    ]);
  expect(cluster.complaints).toEqual([]);
});
