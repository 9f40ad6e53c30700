import { mkdir, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Node, PersistentVolume, PersistentVolumeClaim, Pod } from '@keelson/api/generated/types/core/v1';
import type { CSIDriver } from '@keelson/api/generated/types/storage/v1';
import { attachmentName, uniqueName } from '@keelson/api/resources/attachments';
import { Client } from '@keelson/client';
import { FakeTransport } from '@keelson/client/testing/transport';
import { manualWorld } from '@keelson/client/testing/world';
import { RpcError } from '@keelson/component/grpc/errors';
import { MetricsRegistry } from '@keelson/component/metrics/registry';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { container, podOf } from '../../testing/pods.ts';
import { NodeFull } from './attachments.ts';
import { StorageOperations } from './metrics.ts';
import { NodeInfo } from './node-info.ts';
import { CsiPaths } from './paths.ts';
import { DriverRegistry } from './registry.ts';
import { startTestDriver, type TestDriver } from './testing.ts';
import { inlineVolume, persistentVolume } from './volume.ts';
import { CsiVolumes } from './volumes.ts';

const NODE = 'n1';
const KEY = uniqueName({ driver: 'd', handle: 'h' });
const { signal } = new AbortController();

let root: string;
let driver: TestDriver;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'kc-'));
  await mkdir(join(root, 's'));
  driver = await startTestDriver({ name: 'd', socket: join(root, 's/d') });
});
afterEach(async () => {
  driver.stop();
  await rm(root, { recursive: true, force: true });
});

/** A node, and what the API server has, by path. */
async function nodeWith(csiDriver: Partial<CSIDriver['spec']> = {}, reported: readonly string[] = []) {
  const stored = new Map<string, object>([
    ['/api/v1/nodes/n1', { kind: 'Node', metadata: { name: NODE, uid: 'nu' }, status: {} }],
  ]);
  const patches: { path: string; body: unknown }[] = [];
  const transport = new FakeTransport(({ method, path: whole, body }) => {
    const path = whole.split('?')[0]!;
    const sent = body ? (JSON.parse(Buffer.from(body as Uint8Array).toString()) as Record<string, never>) : undefined;
    if (method === 'POST') stored.set(`${path}/${(sent as unknown as Node).metadata.name}`, sent!);
    if (method === 'PUT') stored.set(path, sent!);
    if (method === 'PATCH') patches.push({ path, body: sent });
    const found = stored.get(
      method === 'POST' ? `${path}/${(sent as unknown as Node).metadata.name}` : path.replace(/\/status$/, ''),
    );
    return found
      ? { body: found }
      : {
          status: 404,
          body: { kind: 'Status', status: 'Failure', reason: 'NotFound', code: 404, message: `${path} not found` },
        };
  });
  const world = manualWorld();
  const client = new Client({ transport, component: 'kubelet', world });
  const events: string[] = [];
  const woken: string[] = [];
  const nodeInfo = new NodeInfo(client, NODE);
  const drivers = new DriverRegistry({ world, nodeInfo, changed: (name) => volumes.driverChanged(name) });
  const metrics = new MetricsRegistry();
  const volumes: CsiVolumes = new CsiVolumes({
    client,
    operations: new StorageOperations(metrics, () => 0),
    recorder: { event: (_about, _type, reason, message) => void events.push(`${reason}: ${message}`) },
    nodeName: NODE,
    paths: new CsiPaths(root),
    drivers,
    token: (_pod, audience) => Promise.resolve({ token: `t-${audience}`, expirationTimestamp: '2030-01-01T00:00:00Z' }),
    csiDriver: () =>
      Promise.resolve({
        metadata: { name: 'd' },
        spec: { fsGroupPolicy: 'None', volumeLifecycleModes: ['Persistent'], ...csiDriver },
      }),
    node: () => stored.get('/api/v1/nodes/n1') as Node,
    changed: () => {},
    wake: (uid) => void woken.push(uid),
  });
  await volumes.reconstruct(reported);
  const register = () => drivers.register({ name: 'd', endpoint: join(root, 's/d'), versions: ['1.0.0'] });
  const attach = () => {
    const status = { volumesInUse: [KEY], volumesAttached: [{ name: KEY, devicePath: '' }] };
    stored.set('/api/v1/nodes/n1', { kind: 'Node', metadata: { name: NODE, uid: 'nu' }, status });
    const name = attachmentName({ driver: 'd', handle: 'h' }, NODE);
    const said = { attached: true, attachmentMetadata: { lun: '7' } };
    stored.set(`/apis/storage.k8s.io/v1/volumeattachments/${name}`, { metadata: { name }, status: said });
    volumes.nodeChanged();
  };
  return { metrics, world, volumes, drivers, stored, patches, events, woken, register, attach };
}

const podNamed = (uid: string) =>
  podOf({ containers: [container('a')], serviceAccountName: 'robot' }, { name: uid, uid });

function persistentWith(more: Partial<PersistentVolume['spec']> = {}): PersistentVolume {
  const csi = { driver: 'd', volumeHandle: 'h', fsType: 'ext4', volumeAttributes: { a: '1' } };
  const spec = { csi, accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' }, ...more };
  return { metadata: { name: 'pv' }, spec, status: {} } as PersistentVolume;
}

const claim = (status: object = {}): PersistentVolumeClaim =>
  ({
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'c', namespace: 'default', resourceVersion: '5' },
    spec: { resources: { requests: { storage: '2Gi' } }, accessModes: ['ReadWriteOnce'] },
    status: { capacity: { storage: '1Gi' }, ...status },
  }) as PersistentVolumeClaim;

const request = (pod: Pod, persistent = persistentWith(), status: object = {}) => ({
  pod,
  volume: persistentVolume(persistent, false)!,
  bound: { claim: claim(status), persistent },
  signal,
});
const methods = () => driver.calls.map(({ method }) => method).filter((method) => method !== 'NodeGetInfo');
const isThere = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  );

describe('volumes of drivers', () => {
  it('are staged once, published for each pod, and taken away with the last', async () => {
    const node = await nodeWith();
    const [one, two] = [podNamed('u1'), podNamed('u2')];
    await node.register();
    await expect(node.volumes.mount(request(one))).rejects.toThrow('VolumesInUse');
    expect(node.volumes.inUse()).toEqual([KEY]);
    node.attach();
    expect(node.woken).toEqual(['u1']);
    const { path } = await node.volumes.mount(request(one));
    await node.volumes.mount(request(one));
    await node.volumes.mount(request(two));
    expect(path).toBe(join(root, 'pods/u1/volumes/kubernetes.io~csi/pv/mount'));
    const staging = new CsiPaths(root).staging('d', 'h');
    expect(driver.asked('NodeStageVolume')).toEqual([
      expect.objectContaining({ volumeId: 'h', stagingTargetPath: staging, publishContext: { lun: '7' } }),
    ]);
    expect(driver.asked('NodePublishVolume')).toMatchObject([
      { targetPath: path, stagingTargetPath: staging, volumeContext: { a: '1' }, readonly: false },
      { targetPath: join(root, 'pods/u2/volumes/kubernetes.io~csi/pv/mount') },
    ]);
    const data = JSON.parse(await readFile(join(path, '../vol_data.json'), 'utf8'));
    expect(data).toEqual({
      attachmentID: attachmentName({ driver: 'd', handle: 'h' }, NODE),
      driverName: 'd',
      nodeName: NODE,
      specVolID: 'pv',
      volumeHandle: 'h',
      volumeLifecycleMode: 'Persistent',
    });
    await node.volumes.release('u1');
    expect(methods().at(-1)).toBe('NodeUnpublishVolume');
    expect(await isThere(join(path, '..'))).toBe(false);
    expect(node.volumes.inUse()).toEqual([KEY]);
    await node.volumes.release('u2');
    await expect.poll(() => node.volumes.inUse()).toEqual([]);
    expect(driver.asked('NodeUnstageVolume')).toEqual([{ volumeId: 'h', stagingTargetPath: staging }]);
    expect(await isThere(join(staging, '..'))).toBe(false);
  });

  it('are not waited for when their driver can have no more of them on the node', async () => {
    const node = await nodeWith({ nodeAllocatableUpdatePeriodSeconds: 600 });
    await node.register();
    const path = `/apis/storage.k8s.io/v1/volumeattachments/${attachmentName({ driver: 'd', handle: 'h' }, NODE)}`;
    node.stored.set(path, { metadata: {}, status: { attached: false, attachError: { errorCode: 8 } } });
    node.stored.set('/api/v1/nodes/n1', { metadata: { uid: 'nu' }, status: { volumesInUse: [KEY] } });
    const mount = () => node.volumes.mount(request(podNamed('u1')));
    await expect(mount()).rejects.not.toBeInstanceOf(NodeFull);
    await node.world.pass(123_000);
    await expect(mount()).rejects.toBeInstanceOf(NodeFull);
    expect(driver.asked('NodeGetInfo')).toHaveLength(2);
    await node.volumes.release('u1');
    expect(methods()).toEqual([]);
  });

  it('tell, in upstream’s words, what is missing', async () => {
    const node = await nodeWith({ attachRequired: false });
    await expect(node.volumes.mount(request(podNamed('u1')))).rejects.toThrow(
      'MountVolume.MountDevice failed for volume "pv" : kubernetes.io/csi: attacher.MountDevice failed to create newCsiDriverClient: driver name d not found in the list of registered CSI drivers',
    );
    const secret = { nodeStageSecretRef: { name: 's', namespace: 'x' } };
    await node.register();
    const csi = { ...persistentWith().spec.csi!, ...secret };
    await expect(node.volumes.mount(request(podNamed('u1'), persistentWith({ csi })))).rejects.toThrow(
      'fetching NodeStageSecretRef x/s failed: kubernetes.io/csi: failed to find the secret s in the namespace x with error',
    );
    expect(methods()).toEqual([]);
    await node.volumes.release('u1');
  });

  it('leave nothing after an error that is final, and everything after one that is not', async () => {
    const node = await nodeWith({ attachRequired: false });
    await node.register();
    const target = join(root, 'pods/u1/volumes/kubernetes.io~csi/pv');
    for (const [code, isLeft] of [
      ['Internal', false],
      ['DeadlineExceeded', true],
    ] as const) {
      driver.fail('NodePublishVolume', new RpcError(code, 'no'));
      await expect(node.volumes.mount(request(podNamed('u1')))).rejects.toThrow(
        `MountVolume.SetUp failed for volume "pv" : rpc error: code = ${code} desc = no`,
      );
      expect(await isThere(target)).toBe(isLeft);
    }
    await node.volumes.release('u1');
    expect(driver.asked('NodeUnpublishVolume')).toHaveLength(1);
    const counts = (await node.metrics.text()).split('\n').filter((line) => line.includes('_count{'));
    expect(counts.map((line) => /operation_name="(\w+)",status="([\w-]+)".* (\d+)/.exec(line)?.slice(1))).toEqual([
      ['volume_mount', 'fail-unknown', '2'],
      ['volume_unmount', 'success', '1'],
    ]);
  });

  it('of one pod alone are not for a second one', async () => {
    const node = await nodeWith({ attachRequired: false });
    await node.register();
    const persistent = persistentWith({ accessModes: ['ReadWriteOncePod'] });
    await node.volumes.mount(request(podNamed('u1'), persistent));
    const second = () => node.volumes.mount(request(podNamed('u2'), persistent));
    await expect(second()).rejects.toThrow(
      'MountVolume.SetUp failed for volume "pv" : volume uses the ReadWriteOncePod access mode and is already in use by another pod',
    );
    await node.volumes.release('u1');
    expect((await second()).path).toContain('u2');
  });

  it('that are written in pods are told of them, again and again where their driver wants that', async () => {
    const tokenRequests = [{ audience: 'aud' }];
    const asks = { podInfoOnMount: true, requiresRepublish: true, tokenRequests, volumeLifecycleModes: ['Ephemeral'] };
    const node = await nodeWith(asks);
    await node.register();
    const pod = podNamed('u1');
    const volume = inlineVolume(pod, { name: 'v', csi: { driver: 'd', readOnly: true } })!;
    await node.volumes.mount({ pod, volume, signal });
    await node.volumes.mount({ pod, volume, signal });
    expect(methods()).toEqual(['NodePublishVolume', 'NodePublishVolume']);
    expect(driver.asked('NodePublishVolume')[0]).toMatchObject({
      readonly: true,
      stagingTargetPath: '',
      volumeContext: {
        'csi.storage.k8s.io/ephemeral': 'true',
        'csi.storage.k8s.io/serviceAccount.tokens':
          '{"aud":{"token":"t-aud","expirationTimestamp":"2030-01-01T00:00:00Z"}}',
      },
    });
    driver.fail('NodePublishVolume', new RpcError('Internal', 'no'));
    await expect(node.volumes.mount({ pod, volume, signal })).rejects.toThrow('desc = no');
    expect(node.events).toEqual([
      'FailedMount: MountVolume.SetUp failed for volume "v" : rpc error: code = Internal desc = no',
    ]);
    expect(await isThere(join(root, 'pods/u1/volumes/kubernetes.io~csi/v/mount'))).toBe(true);
    await node.volumes.release('u1');
    expect(methods()).not.toContain('NodeUnstageVolume');
  });

  it('are found again by a kubelet that comes later', async () => {
    const before = await nodeWith();
    await before.register();
    before.attach();
    await expect(before.volumes.mount(request(podNamed('u1')))).resolves.toBeDefined();
    const after = await nodeWith({}, [KEY]);
    expect(after.volumes.inUse()).toEqual([KEY]);
    await expect(after.volumes.release('u1')).rejects.toThrow('not found in the list of registered CSI drivers');
    await after.register();
    await after.volumes.release('u1');
    await expect.poll(() => after.volumes.inUse()).toEqual([]);
    expect(methods().slice(-2)).toEqual(['NodeUnpublishVolume', 'NodeUnstageVolume']);
  });

  it('that were left without a pod go when their driver comes', async () => {
    const before = await nodeWith();
    await before.register();
    before.attach();
    await before.volumes.mount(request(podNamed('u1')));
    driver.fail('NodeUnstageVolume', new RpcError('Internal', 'not now'));
    await before.volumes.release('u1');
    driver.fail('NodeUnstageVolume', undefined);
    const after = await nodeWith({}, [KEY]);
    expect(after.volumes.inUse()).toEqual([KEY]);
    await after.register();
    await expect.poll(() => after.volumes.inUse()).toEqual([]);
  });

  it('grow, and their claims are told', async () => {
    const node = await nodeWith({ attachRequired: false });
    await node.register();
    node.stored.set('/api/v1/namespaces/default/persistentvolumeclaims/c', claim());
    const pod = podNamed('u1');
    await node.volumes.mount(request(pod));
    const grown = persistentWith({ capacity: { storage: '2Gi' } });
    const pending = {
      allocatedResources: { storage: '2Gi' },
      allocatedResourceStatuses: { storage: 'NodeResizePending' },
    };
    await node.volumes.mount(request(pod, grown, pending));
    expect(driver.asked('NodeExpandVolume')).toMatchObject([
      {
        volumePath: join(root, 'pods/u1/volumes/kubernetes.io~csi/pv/mount'),
        capacityRange: { requiredBytes: 2 ** 31 },
      },
    ]);
    const path = '/api/v1/namespaces/default/persistentvolumeclaims/c/status';
    expect(node.patches.filter((patch) => patch.path === path).map(({ body }) => body)).toMatchObject([
      { status: { allocatedResourceStatuses: { storage: 'NodeResizeInProgress' } } },
      { status: { capacity: { storage: '2Gi' }, allocatedResourceStatuses: { storage: null } } },
    ]);
    expect(node.events).toContain(
      'FileSystemResizeSuccessful: MountVolume.NodeExpandVolume succeeded for volume "pv" n1',
    );
    await node.volumes.mount(request(pod, grown, pending));
    expect(driver.asked('NodeExpandVolume')).toHaveLength(1);
  });

  it('say how full they are', async () => {
    const node = await nodeWith({ attachRequired: false });
    await node.register();
    const { measure } = await node.volumes.mount(request(podNamed('u1')));
    expect(await measure?.()).toEqual({
      filesystem: { availableBytes: 60, capacityBytes: 100, inodes: 10, inodesFree: 6 },
      used: { bytes: 40, inodes: 4 },
    });
  });
});

describe('a driver', () => {
  it('is made known to the cluster, and is not any more when it goes', async () => {
    const { register, drivers, stored, patches } = await nodeWith();
    await register();
    const csiNode = '/apis/storage.k8s.io/v1/csinodes/n1';
    expect(stored.get(csiNode)).toMatchObject({
      metadata: { ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: 'n1', uid: 'nu' }] },
      spec: {
        drivers: [{ name: 'd', nodeID: 'd-node', topologyKeys: ['topology.d/zone'], allocatable: { count: 3 } }],
      },
    });
    expect(patches[0]!.body).toEqual({
      metadata: {
        annotations: { 'csi.volume.kubernetes.io/nodeid': '{"d":"d-node"}' },
        labels: { 'topology.d/zone': 'a' },
      },
    });
    const plugin = { name: 'd', endpoint: join(root, 's/d'), versions: ['1.0.0'] };
    expect(() => drivers.validate(plugin)).toThrow(
      'Another driver with the same name is already registered with a higher supported version: "1.0.0"',
    );
    await drivers.deregister(plugin);
    expect(stored.get(csiNode)).toMatchObject({ spec: { drivers: [] } });
    expect(drivers.has('d')).toBe(false);
  });

  it('that says where it is other than the node does is refused', async () => {
    const { register, drivers, stored, world } = await nodeWith();
    stored.set('/api/v1/nodes/n1', { metadata: { name: NODE, uid: 'nu', labels: { 'topology.d/zone': 'b' } } });
    const refused = expect(register()).rejects.toThrow(
      'detected topology value collision: driver reported "topology.d/zone":"a" but existing label is "topology.d/zone":"b"',
    );
    await expect
      .poll(async () => {
        await world.pass(300);
        return drivers.has('d');
      })
      .toBe(false);
    await refused;
  });
});
