import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Container, Pod } from '@keelson/api/generated/types/core/v1';
import type { ResourceClaim } from '@keelson/api/generated/types/resource/v1';
import { Client, systemWorld } from '@keelson/client';
import { FakeTransport } from '@keelson/client/testing/transport';
import { MetricsRegistry } from '@keelson/component/metrics/registry';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { PluginManager } from '../plugins/manager.ts';
import { socketDirectory } from '../plugins/testing.ts';
import { container, podOf } from '../testing/pods.ts';
import { ClaimManager } from './manager.ts';
import type { DeviceHealthMessage } from './messages.ts';
import { startTestDriver, type TestDriver, type TestDriverOptions } from './testing.ts';

const PATIENCE = { timeout: 20_000, interval: 20 };
const never = new AbortController().signal;
const endings: (() => unknown)[] = [];
let directory: string;
let stored: Map<string, ResourceClaim>;
let requests: string[];
let manager: ClaimManager;
let metrics: MetricsRegistry;
let told: string[];
/** Ends the kubelet that each test begins with. */
let stop: () => Promise<void>;

beforeEach(async () => {
  const { path, remove } = await socketDirectory();
  endings.push(remove);
  directory = path;
  await mkdir(join(directory, 'plugins_registry'));
  stored = new Map();
  requests = [];
  stop = await start();
});
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

/** A kubelet's claims, with what finds its drivers. @returns ends it */
async function start(driverGraceMs?: number): Promise<() => Promise<void>> {
  const transport = new FakeTransport(({ method, path }) => {
    if (method === 'DELETE') requests.push(decodeURIComponent(path));
    const claim = stored.get(path.split('/').at(-1)!);
    if (method === 'GET' && !claim) {
      const message = 'resourceclaims.resource.k8s.io not found';
      return { status: 404, body: { kind: 'Status', status: 'Failure', reason: 'NotFound', code: 404, message } };
    }
    return { body: claim ?? { kind: 'Status', status: 'Success' } };
  });
  const client = new Client({ transport, component: 'kubelet', world: systemWorld() });
  metrics = new MetricsRegistry();
  told = [];
  const healthChanged = (uid: string) => void told.push(uid);
  const options = { client, nodeName: 'n1', directory, metrics, driverGraceMs, healthChanged };
  manager = await ClaimManager.restore(options);
  const plugins = new PluginManager({ directory: join(directory, 'plugins_registry'), world: client.world });
  plugins.addHandler('DRAPlugin', manager.handler);
  await plugins.start();
  const claims = manager;
  const end = () => {
    plugins.stop();
    return claims.stop();
  };
  endings.push(end);
  return end;
}

async function driver(options: Partial<TestDriverOptions> = {}): Promise<TestDriver> {
  const started = await startTestDriver({ name: 'a.test', registry: join(directory, 'plugins_registry'), ...options });
  endings.push(() => started.stop());
  await registered(started);
  return started;
}
const registered = (started: TestDriver) =>
  vi.waitFor(() => expect(started.told.at(-1)).toEqual({ pluginRegistered: true, error: '' }), PATIENCE);

function claim(name: string, more: { drivers?: string[]; pods?: string[]; uid?: string; owner?: string } = {}): void {
  const { drivers = ['a.test'], pods = ['u1'], uid = `uid-${name}`, owner } = more;
  const results = drivers.map((driver) => ({ driver, request: 'r', pool: 'pool', device: 'd' }));
  const controller = { apiVersion: 'v1', kind: 'Pod', name: 'web', uid: owner ?? '', controller: true };
  stored.set(name, {
    metadata: { name, namespace: 'default', uid, ...(owner ? { ownerReferences: [controller] } : {}) },
    spec: { devices: { requests: [] } },
    status: {
      allocation: { devices: { results } },
      reservedFor: pods.map((uid) => ({ resource: 'pods', name: 'web', uid })),
    },
  });
}

function pod(claims: readonly string[], more: { uid?: string; containers?: Container[] } = {}): Pod {
  const { uid = 'u1', containers = [withClaims('c', ...claims)] } = more;
  const resourceClaims = claims.map((name) => ({ name, resourceClaimName: name }));
  return podOf({ containers, resourceClaims }, { uid });
}
/** @param claims `NAME` or `NAME/REQUEST` */
function withClaims(name: string, ...claims: string[]): Container {
  const wanted = claims.map((each) => {
    const [claimName, request] = each.split('/');
    return { name: claimName!, ...(request ? { request } : {}) };
  });
  return container(name, { resources: { claims: wanted } });
}
const devices = (of: Pod, index = 0) => manager.cdiDevices(of, of.spec.containers![index]!);

describe('a pod with claims', () => {
  it.each([['v1.DRAPlugin'], ['v1beta1.DRAPlugin']])(
    'is prepared by its drivers (%s) and unprepared',
    async (service) => {
      const [a, b] = [await driver({ services: [service] }), await driver({ name: 'b.test' })];
      claim('one');
      claim('two', { drivers: ['a.test', 'b.test'] });
      const web = pod(['one', 'two']);
      await manager.prepare(web, never);
      await manager.prepare(web, never);
      expect(a.calls).toEqual(['prepare default/one', 'prepare default/two']);
      expect(b.calls).toEqual(['prepare default/two']);
      expect(devices(web)).toEqual(['a.test/test=one', 'a.test/test=two', 'b.test/test=two']);
      const text = await metrics.text();
      expect(text).toContain('dra_resource_claims_in_use{driver_name="<any>"} 2');
      expect(text).toContain('dra_resource_claims_in_use{driver_name="b.test"} 1');
      expect(text).toContain(
        'dra_grpc_operations_duration_seconds_count{driver_name="b.test",grpc_status_code="OK",method_name="/k8s.io.kubelet.pkg.apis.dra.v1.DRAPlugin/NodePrepareResources"} 1',
      );
      await manager.unprepare('u1');
      expect(b.calls.slice(1)).toEqual(['unprepare default/two']);
      expect(() => devices(web)).toThrow(
        'internal error: unable to get claim info for ResourceClaim one in namespace default',
      );
      await manager.unprepare('u1');
      expect(a.calls.slice(2)).toEqual(['unprepare default/one', 'unprepare default/two']);
    },
  );

  it('gives each container the devices of its requests', async () => {
    await driver({ requestsOf: () => ['gpu/big', 'net'] });
    claim('one');
    const containers = [
      withClaims('all', 'one'),
      withClaims('gpu', 'one/gpu'),
      withClaims('both', 'one/net', 'one/gpu'),
      container('none'),
    ];
    const web = pod(['one'], { containers });
    await manager.prepare(web, never);
    const [gpu, net] = ['a.test/test=one-gpu/big', 'a.test/test=one-net'];
    expect([0, 1, 2, 3].map((index) => devices(web, index))).toEqual([[gpu, net], [gpu], [gpu, net], []]);
  });

  it('finds claims that were made for it, and those of extended resources', async () => {
    const a = await driver({ requestsOf: ({ name }) => (name === 'extended' ? ['container-0'] : ['']) });
    claim('web-made', { owner: 'u1' });
    claim('extended');
    const resources = { requests: { 'a.test/gpu': '1' }, claims: [{ name: 'made' }] };
    const containers = [
      container('c', { resources }),
      container('d', { resources: { requests: { 'a.test/gpu': '0' } } }),
    ];
    const web = podOf({
      containers,
      resourceClaims: [
        { name: 'made', resourceClaimTemplateName: 't' },
        { name: 'none', resourceClaimTemplateName: 't' },
      ],
    });
    const mapping = { resourceName: 'a.test/gpu', requestName: 'container-0' };
    web.status = {
      resourceClaimStatuses: [{ name: 'made', resourceClaimName: 'web-made' }, { name: 'none' }],
      extendedResourceClaimStatus: {
        resourceClaimName: 'extended',
        requestMappings: [
          { ...mapping, containerName: 'c' },
          { ...mapping, containerName: 'd' },
        ],
      },
    };
    await manager.prepare(web, never);
    expect(a.calls).toEqual(['prepare default/web-made', 'prepare default/extended']);
    expect(devices(web)).toEqual(['a.test/test=web-made', 'a.test/test=extended-container-0']);
    expect(devices(web, 1)).toEqual([]);
  });

  it('shares a claim with others: the last takes it back', async () => {
    const a = await driver();
    claim('one', { pods: ['u1', 'u2'] });
    await Promise.all([manager.prepare(pod(['one']), never), manager.prepare(pod(['one'], { uid: 'u2' }), never)]);
    await manager.unprepare('u1');
    expect(a.calls).toEqual(['prepare default/one']);
    expect(devices(pod(['one'], { uid: 'u2' }))).toHaveLength(1);
    await manager.reconcile((uid) => uid === 'u1');
    expect(a.calls).toEqual(['prepare default/one', 'unprepare default/one']);
  });
});

describe('what goes wrong', () => {
  const refused: [string, () => void, string][] = [
    ['a claim that is not there', () => stored.clear(), 'fetch ResourceClaim one: '],
    [
      'a claim of others',
      () => claim('one', { pods: ['u7'] }),
      'pod web (u1) is not allowed to use ResourceClaim one (uid-one)',
    ],
    [
      'a claim that was not allocated',
      () => void delete stored.get('one')!.status.allocation,
      'ResourceClaim one: not allocated',
    ],
    ['a driver that is not there', () => claim('one', { drivers: ['b.test'] }), 'DRA driver b.test is not registered'],
  ];
  it.each(refused)('%s', async (_, spoil, message) => {
    await driver();
    claim('one');
    spoil();
    await expect(manager.prepare(pod(['one']), never)).rejects.toThrow(`prepare dynamic resources: ${message}`);
  });

  it('a claim that was made for another pod', async () => {
    claim('made', { owner: 'u7' });
    const web = podOf({ containers: [], resourceClaims: [{ name: 'x', resourceClaimTemplateName: 't' }] });
    await expect(manager.prepare(web, never)).rejects.toThrow('pod "default/web": ResourceClaim not created yet');
    web.status = { resourceClaimStatuses: [{ name: 'x', resourceClaimName: 'made' }] };
    await expect(manager.prepare(web, never)).rejects.toThrow(
      'ResourceClaim default/made was not created for Pod default/web (Pod is not owner)',
    );
  });

  it('a driver that fails is asked again, and again when it takes back', async () => {
    const a = await driver();
    claim('one');
    a.failure = 'no power';
    const web = pod(['one']);
    await expect(manager.prepare(web, never)).rejects.toThrow(
      'prepare dynamic resources: NodePrepareResources failed for ResourceClaim one: no power',
    );
    expect(await metrics.text()).toContain('dra_resource_claims_in_use{driver_name="<any>"} 0');
    a.failure = undefined;
    await manager.prepare(web, never);
    a.failure = 'stuck';
    await expect(manager.unprepare('u1')).rejects.toThrow(
      'unprepare dynamic resources: NodeUnprepareResources failed for ResourceClaim one: stuck',
    );
    a.failure = undefined;
    await manager.unprepare('u1');
    expect(a.calls.map((call) => call.split(' ')[0])).toEqual(['prepare', 'prepare', 'unprepare', 'unprepare']);
  });

  it('a claim of the same name that is another', async () => {
    await driver();
    claim('one');
    await manager.prepare(pod(['one']), never);
    claim('one', { uid: 'another', pods: ['u2'] });
    await expect(manager.prepare(pod(['one'], { uid: 'u2' }), never)).rejects.toThrow(
      'old ResourceClaim with same name one and different UID uid-one still exists (previous pod force-deleted?!)',
    );
  });

  it('leaves nothing of a pod that could not have all its claims', async () => {
    await driver();
    claim('one');
    await manager.prepare(pod(['one']), never);
    claim('one', { uid: 'another', pods: ['u2'] });
    claim('two', { pods: ['u2'] });
    const both = pod(['two', 'one'], { uid: 'u2' });
    await expect(manager.prepare(both, never)).rejects.toThrow('old ResourceClaim with same name one');
    claim('two', { uid: 'made-again', pods: ['u3'] });
    const later = pod(['two'], { uid: 'u3' });
    await manager.prepare(later, never);
    expect(devices(later)).toEqual(['a.test/test=two']);
  });
});

describe('a kubelet that starts again', () => {
  it('goes on with what is prepared', async () => {
    const a = await driver();
    claim('one');
    const web = pod(['one']);
    await manager.prepare(web, never);
    await stop();
    await start();
    expect(devices(web)).toEqual(['a.test/test=one']);
    await vi.waitFor(() => expect(a.told).toHaveLength(2), PATIENCE);
    await manager.prepare(web, never);
    expect(devices(web)).toEqual(['a.test/test=one']);
    await manager.reconcile(() => false);
    expect(a.calls).toEqual(['prepare default/one', 'prepare default/one', 'unprepare default/one']);
    const { Data } = JSON.parse(await readFile(join(directory, 'dra_manager_state'), 'utf8'));
    expect(JSON.parse(Data).ClaimInfoStateList).toBeNull();
  });

  it('does not begin with a checkpoint that was changed', async () => {
    await stop();
    await writeFile(join(directory, 'dra_manager_state'), '{"Data":"{}","Checksum":1}');
    await expect(start()).rejects.toThrow('please drain node and remove DRA state file');
  });
});

describe('resource slices', () => {
  it('go when the kubelet starts, and when a driver stays away', async () => {
    await stop();
    await start(50);
    manager.start();
    const all = '/apis/resource.k8s.io/v1/resourceslices?fieldSelector=spec.nodeName=n1';
    await vi.waitFor(() => expect(requests).toEqual([all]), PATIENCE);
    const a = await driver();
    a.stop();
    await vi.waitFor(() => expect(requests).toEqual([all, `${all},spec.driver=a.test`]), PATIENCE);
  });

  it('stay while another process of the driver is there', async () => {
    await stop();
    await start(3_600_000);
    const first = await driver();
    const second = await driver({ instance: 'second' });
    claim('one');
    first.stop();
    await vi.waitFor(async () => {
      await manager.prepare(pod(['one']), never);
      expect(second.calls).toContain('prepare default/one');
    }, PATIENCE);
    expect(requests).toEqual([]);
  });
});

describe('the health of devices', () => {
  const said = (health: DeviceHealthMessage['health'], message = ''): DeviceHealthMessage[] => [
    { device: { poolName: 'pool', deviceName: 'one' }, health, message, healthCheckTimeoutSeconds: 0 },
  ];
  it('is in the status of containers', async () => {
    const a = await driver();
    claim('one');
    const web = pod(['one'], { containers: [withClaims('c', 'one/r')] });
    await manager.prepare(web, never);
    const health = () => manager.healthOf(web, web.spec.containers![0]!);
    const shown = (more: object) => [{ name: 'claim:one/r', resources: [{ resourceID: 'a.test/test=one', ...more }] }];
    expect(health()).toEqual(shown({ health: 'Unknown' }));
    await vi.waitFor(() => {
      a.say(said('UNHEALTHY', 'too hot'));
      expect(health()).toEqual(shown({ health: 'Unhealthy', message: 'too hot' }));
    }, PATIENCE);
    expect(told).toContain('u1');
    a.say(said('HEALTHY'));
    await vi.waitFor(() => expect(health()).toEqual(shown({ health: 'Healthy' })), PATIENCE);
    a.stop();
    await vi.waitFor(() => expect(health()).toEqual(shown({ health: 'Unknown' })), PATIENCE);
  });
});

it('says to drivers that speak nothing that it knows why it does not take them', async () => {
  const started = await startTestDriver({
    name: 'old.test',
    registry: join(directory, 'plugins_registry'),
    services: ['v1alpha1.DRAPlugin'],
  });
  endings.push(() => started.stop());
  await vi.waitFor(
    () => expect(started.told.at(-1)?.error).toContain('none of services supported by the plugin'),
    PATIENCE,
  );
});
