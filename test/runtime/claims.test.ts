import { join } from 'node:path';
import type { Pod } from '@keelson/api/generated/types/core/v1';
import type { Client, Draft } from '@keelson/client';
import type { Running } from '@keelson/component/running';
import { startTestDriver, type TestDriver } from '@keelson/kubelet/claims/testing';
import type { CriRuntime } from '@keelson/kubelet/runtime/cri/runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ContainerNode, soon, startContainerNode } from '../support/container-node.ts';
import { BUSYBOX, type Containerd, noContainers } from '../support/containerd.ts';

const namespace = 'default';
const DRIVER = 'devices.test.keelson.dev';

/** Claims of devices on containers that are none of a simulation, with a driver, as the node's identity. */
describe.skipIf(noContainers())('claims on containerd', { timeout: 60_000 }, () => {
  let machine: ContainerNode;
  let containerd: Containerd;
  let runtime: CriRuntime;
  let admin: Client;
  let kubelet: Running;
  let driver: TestDriver;

  beforeAll(async () => {
    machine = await startContainerNode();
    ({ containerd, runtime, admin } = machine);
    // What a driver has left that does not come back.
    await offer('stale', 'gone.test.keelson.dev', 'real');
    await offer('other', 'gone.test.keelson.dev', 'another');
    kubelet = await machine.startKubelet({
      driverGraceMs: 200,
    });
    driver = await startTestDriver({
      name: DRIVER,
      registry: join(machine.rootDirectory, 'plugins_registry'),
      cdiDirectory: containerd.cdiDirectory,
      requestsOf: ({ name }) => (name === 'two' ? ['gpu', 'net'] : ['']),
    });
  }, 120_000);

  afterAll(async () => {
    driver?.stop();
    await kubelet?.stop();
    await machine?.stop();
  }, 120_000);

  const pods = () => admin.resource('pods');
  const slices = async () => {
    const { items } = await admin.resource('resourceslices.resource.k8s.io').list();
    return items.map(({ metadata }) => metadata.name).sort();
  };
  const phase = async (name: string) => (await pods().get({ namespace, name })).status?.phase;
  const logs = (name: string, container: string) => machine.logs({ namespace, name }, container);

  function offer(name: string, driverName: string, nodeName: string) {
    const pool = { name: nodeName, generation: 1, resourceSliceCount: 1 };
    const spec = { driver: driverName, nodeName, pool, devices: [{ name: 'd' }] };
    return admin.resource('resourceslices.resource.k8s.io').create({ metadata: { name }, spec });
  }

  /** As the scheduler does it. */
  async function claim(name: string, requests: readonly string[], pod: Pod): Promise<void> {
    const resource = admin.resource('resourceclaims.resource.k8s.io');
    const exactly = { deviceClassName: 'any', allocationMode: 'All' };
    const spec = { devices: { requests: requests.map((request) => ({ name: request, exactly })) } };
    const made = await resource.create({ metadata: { namespace, name }, spec });
    const results = requests.map((request) => ({ request, driver: DRIVER, pool: 'pool', device: `d-${request}` }));
    const reservedFor = [{ resource: 'pods', name: pod.metadata.name!, uid: pod.metadata.uid! }];
    await resource.updateStatus({ ...made, status: { allocation: { devices: { results } }, reservedFor } });
  }
  const create = (name: string, spec: Draft<Pod['spec']>) =>
    pods().create({
      metadata: { namespace, name },
      spec: { nodeName: 'real', automountServiceAccountToken: false, restartPolicy: 'Never', ...spec },
    });
  const shows = (name: string, claims: { name: string; request?: string }[]) => ({
    name,
    image: BUSYBOX,
    command: ['/bin/sh', '-c', 'env | grep =yes | sort; trap "exit 0" TERM; while :; do sleep 0.2; done'],
    resources: { claims },
  });

  it('are prepared, given to the containers of their requests, watched, and taken back', async () => {
    const name = 'with-claims';
    const resourceClaims = [
      { name: 'a', resourceClaimName: 'one' },
      { name: 'b', resourceClaimName: 'two' },
    ];
    const containers = [shows('all', [{ name: 'a' }, { name: 'b' }]), shows('gpu', [{ name: 'b', request: 'gpu' }])];
    const pod = await create(name, { resourceClaims, containers });
    await soon(async () => {
      const { items } = await admin.resource('events').list({ namespace });
      return items.filter(({ reason }) => reason === 'FailedPrepareDynamicResources').map(({ message }) => message);
    }).toContainEqual(expect.stringContaining('Failed to prepare dynamic resources: prepare dynamic resources: fetch'));
    await claim('one', ['r'], pod);
    await claim('two', ['gpu', 'net'], pod);
    await soon(() => phase(name)).toBe('Running');
    expect([...driver.calls].sort()).toEqual(['prepare default/one', 'prepare default/two']);

    const { version } = await runtime.version();
    const knowsDevices = !/^v?1\.[0-6]\./.test(version);
    await soon(() => logs(name, 'all')).toBe(knowsDevices ? 'ONE=yes\nTWO_GPU=yes\nTWO_NET=yes\n' : '');
    await soon(() => logs(name, 'gpu')).toBe(knowsDevices ? 'TWO_GPU=yes\n' : '');

    const shown = (device: string, health = 'Unknown') => ({ resourceID: `${DRIVER}/test=${device}`, health });
    const statuses = async () => {
      const { containerStatuses = [] } = (await pods().get({ namespace, name })).status ?? {};
      return containerStatuses.map(({ allocatedResourcesStatus }) => allocatedResourcesStatus);
    };
    await soon(statuses).toEqual([
      [
        { name: 'claim:a', resources: [shown('one')] },
        { name: 'claim:b', resources: [shown('two-gpu'), shown('two-net')] },
      ],
      [{ name: 'claim:b/gpu', resources: [shown('two-gpu')] }],
    ]);
    const device = { poolName: 'pool', deviceName: 'two-gpu' };
    driver.say([{ device, health: 'UNHEALTHY', message: 'too hot', healthCheckTimeoutSeconds: 600 }]);
    const tooHot = { ...shown('two-gpu', 'Unhealthy'), message: 'too hot' };
    await soon(statuses).toMatchObject([{}, [{ name: 'claim:b/gpu', resources: [tooHot] }]]);

    await pods().delete({ namespace, name });
    await soon(() => phase(name).catch(() => 'gone')).toBe('gone');
    expect(driver.calls.slice(2).sort()).toEqual(['unprepare default/one', 'unprepare default/two']);
  });

  it('what drivers offer that are not there is deleted, of this node alone', async () => {
    await soon(slices).toEqual(['other']);
    await offer('own', DRIVER, 'real');
    driver.stop();
    await soon(slices).toEqual(['other']);
  });
});
