import type { PersistentVolume, PersistentVolumeClaim } from '@keelson/api/generated/types/core/v1';
import type { CSIDriver } from '@keelson/api/generated/types/storage/v1';
import { Quantity } from '@keelson/api/quantity';
import { describe, expect, it, test } from 'vitest';
import { container, podOf } from '../../testing/pods.ts';
import { capabilityOf } from './capability.ts';
import { usageOf } from './context.ts';
import type { NodeCapability } from './driver.ts';
import { failed, finished, permissionOf } from './expansion.ts';
import { withDriver } from './node-info.ts';
import { CsiPaths } from './paths.ts';
import { toldOf } from './pod-attributes.ts';
import { checkLifecycle, isAttachable, takesGroup } from './policy.ts';
import { highestVersion } from './versions.ts';
import { type CsiVolume, inlineVolume, isForOnePod, persistentVolume } from './volume.ts';

const pod = podOf({ containers: [container('a')], serviceAccountName: 'robot' });

function volumeWith(more: Partial<PersistentVolume['spec']> = {}, readOnly = false): CsiVolume {
  const csi = { driver: 'd', volumeHandle: 'h', fsType: 'ext4', volumeAttributes: { a: '1' } };
  const spec = { csi, accessModes: ['ReadWriteOnce'], ...more } as PersistentVolume['spec'];
  return persistentVolume({ metadata: { name: 'pv' }, spec, status: {} }, readOnly)!;
}

const inline = inlineVolume(pod, { name: 'v', csi: { driver: 'd', fsType: 'ext4' } })!;
const driverWith = (spec: Partial<CSIDriver['spec']>): CSIDriver => ({ metadata: { name: 'd' }, spec });

describe('a volume of a driver', () => {
  it('has a handle of its own where it is written in a pod', () => {
    expect(inline.handle).toMatch(/^csi-[0-9a-f]{64}$/);
    expect(inlineVolume(pod, { name: 'w', csi: { driver: 'd' } })!.handle).not.toBe(inline.handle);
    expect(inlineVolume(pod, { name: 'w', emptyDir: {} })).toBeUndefined();
  });

  it('is where upstream has it', () => {
    const paths = new CsiPaths('/k');
    expect(paths.target('u', 'a/b')).toBe('/k/pods/u/volumes/kubernetes.io~csi/a~b/mount');
    expect(paths.staging('d', 'h')).toBe(
      '/k/plugins/kubernetes.io/csi/d/aaa9402664f1a41f40ebbc52c9993eb66aeb366602958fdfaa283b71e64db123/globalmount',
    );
    expect(paths.devicePublished('pv', 'u')).toBe('/k/plugins/kubernetes.io/csi/volumeDevices/publish/pv/u');
    expect(paths.deviceMap('pv')).toBe('/k/plugins/kubernetes.io/csi/volumeDevices/pv/dev');
    expect(paths.podDevice('u', 'pv')).toBe('/k/pods/u/volumeDevices/kubernetes.io~csi/pv');
  });

  test.each([
    [['ReadWriteOnce'], false, 'SINGLE_NODE_WRITER'],
    [['ReadWriteOnce'], true, 'SINGLE_NODE_MULTI_WRITER'],
    [['ReadWriteOncePod'], false, 'SINGLE_NODE_WRITER'],
    [['ReadWriteOncePod'], true, 'SINGLE_NODE_SINGLE_WRITER'],
    [['ReadOnlyMany', 'ReadWriteOnce'], false, 'MULTI_NODE_READER_ONLY'],
    [['ReadWriteMany'], true, 'MULTI_NODE_MULTI_WRITER'],
    [undefined, false, 'SINGLE_NODE_WRITER'],
    [['Strange'], false, 'UNKNOWN'],
  ])('of access modes %j, fine %j, is used as %s', (accessModes, isFine, mode) => {
    const volume = { ...volumeWith(), accessModes };
    expect(capabilityOf(volume, { isFine }).accessMode.mode).toBe(mode);
  });

  it('is a block, or a file system with flags and a group', () => {
    expect(capabilityOf(volumeWith({ volumeMode: 'Block' }), { isFine: false })).toHaveProperty('block', {});
    expect(capabilityOf(volumeWith({ mountOptions: ['noatime'] }), { isFine: false, group: 7 }).mount).toEqual({
      fsType: 'ext4',
      mountFlags: ['noatime'],
      volumeMountGroup: '7',
    });
  });

  test.each<[NodeCapability[], string | undefined, string]>([
    [[], undefined, 'SINGLE_NODE_WRITER'],
    [['VOLUME_MOUNT_GROUP'], '7', 'SINGLE_NODE_WRITER'],
    [['SINGLE_NODE_MULTI_WRITER'], undefined, 'SINGLE_NODE_MULTI_WRITER'],
  ])('is for a group where its driver cares for that: %j', (can, group, mode) => {
    const { mount, accessMode } = usageOf(volumeWith(), { can: new Set(can) }, 7);
    expect([mount?.volumeMountGroup, accessMode.mode]).toEqual([group, mode]);
  });

  test.each([
    [['ReadWriteOncePod'], true],
    [['ReadWriteOncePod', 'ReadWriteOnce'], false],
    [undefined, false],
  ])('of access modes %j is for one pod: %j', (accessModes, expected) => {
    expect(isForOnePod({ ...volumeWith(), accessModes })).toBe(expected);
  });
});

describe('what the cluster was told of a driver', () => {
  test.each([
    ['persistent, unknown driver', volumeWith(), undefined, true],
    ['persistent, nothing to attach', volumeWith(), driverWith({ attachRequired: false }), false],
    ['ephemeral', inline, driverWith({ attachRequired: true }), false],
  ])('%s', (_, volume, driver, attachable) => expect(isAttachable(volume, driver)).toBe(attachable));

  test.each([
    [volumeWith(), undefined, undefined],
    [inline, undefined, 'volume mode "Ephemeral" not supported by driver d (no CSIDriver object)'],
    [inline, driverWith({ volumeLifecycleModes: ['Persistent', 'Ephemeral'] }), undefined],
    [
      inline,
      driverWith({ volumeLifecycleModes: ['Persistent'] }),
      'volume mode "Ephemeral" not supported by driver d (only supports ["Persistent"])',
    ],
  ])('says which volumes it makes (%#)', (volume, driver, message) => {
    const check = () => checkLifecycle(volume, driver);
    if (message) expect(check).toThrow(message);
    else expect(check).not.toThrow();
  });

  test.each<[string, CsiVolume, number | undefined, string | undefined, boolean]>([
    ['no group', volumeWith(), undefined, 'File', false],
    ['read only', volumeWith({}, true), 1, 'File', false],
    ['none', volumeWith(), 1, 'None', false],
    ['file', volumeWith({ accessModes: ['ReadWriteMany'] }), 1, 'File', true],
    ['default', volumeWith(), 1, 'ReadWriteOnceWithFSType', true],
    ['default, many nodes', volumeWith({ accessModes: ['ReadWriteMany'] }), 1, 'ReadWriteOnceWithFSType', false],
    ['default, no type', { ...volumeWith(), fsType: '' }, 1, 'ReadWriteOnceWithFSType', false],
    ['default, in a pod', inline, 1, 'ReadWriteOnceWithFSType', true],
    ['unknown driver', volumeWith(), 1, undefined, true],
  ])('says whether the kubelet gives it to the group: %s', (_, volume, group, fsGroupPolicy, expected) => {
    expect(takesGroup(volume, group, fsGroupPolicy ? driverWith({ fsGroupPolicy }) : undefined)).toBe(expected);
  });

  it('says what it wants to know of pods', async () => {
    const token = (_: unknown, audience: string) =>
      Promise.resolve({ token: `t-${audience}`, expirationTimestamp: '2030-01-01T00:00:00Z' });
    const tokenRequests = [{ audience: 'b' }, { audience: '' }];
    const told = await toldOf(pod, inline, { s: '1' }, driverWith({ podInfoOnMount: true, tokenRequests }), token);
    expect(told.secrets).toEqual({ s: '1' });
    expect(told.attributes).toEqual({
      'csi.storage.k8s.io/pod.name': 'web',
      'csi.storage.k8s.io/pod.namespace': 'default',
      'csi.storage.k8s.io/pod.uid': 'u1',
      'csi.storage.k8s.io/serviceAccount.name': 'robot',
      'csi.storage.k8s.io/ephemeral': 'true',
      'csi.storage.k8s.io/serviceAccount.tokens':
        '{"":{"token":"t-","expirationTimestamp":"2030-01-01T00:00:00Z"},"b":{"token":"t-b","expirationTimestamp":"2030-01-01T00:00:00Z"}}',
    });
    const hidden = driverWith({ tokenRequests, serviceAccountTokenInSecrets: true });
    const secret = await toldOf(pod, volumeWith(), { s: '1' }, hidden, token);
    expect(secret.attributes).toEqual({ a: '1' });
    expect(Object.keys(secret.secrets)).toEqual(['s', 'csi.storage.k8s.io/serviceAccount.tokens']);
  });
});

describe('a CSINode', () => {
  const info = { name: 'd', nodeId: 'n', maxVolumes: 3, topology: { z: '1', a: '2' } };
  const entry = { name: 'd', nodeID: 'n', topologyKeys: ['a', 'z'], allocatable: { count: 3 } };
  const other = { name: 'o', nodeID: 'n', topologyKeys: [] };

  test.each([
    ['a new driver', [other], info, [other, entry]],
    ['the same again', [entry, other], info, undefined],
    ['another count', [entry, other], { ...info, maxVolumes: 4 }, [other, { ...entry, allocatable: { count: 4 } }]],
    ['no count', [], { ...info, maxVolumes: 0, topology: {} }, [{ name: 'd', nodeID: 'n', topologyKeys: [] }]],
    ['too many', [], { ...info, maxVolumes: 2 ** 40 }, [{ ...entry, allocatable: { count: 2 ** 31 - 1 } }]],
  ])('%s', (_, drivers, given, expected) => expect(withDriver(drivers, given)).toEqual(expected));
});

describe('versions of CSI', () => {
  test.each([
    [['1.0.0'], [1, 0, 0]],
    [
      ['0.3.0', '1.2.0', '1.1.9'],
      [1, 2, 0],
    ],
    [
      ['2.0.0', 'v1.0.0'],
      [1, 0, 0],
    ],
  ])('%j', (versions, expected) => expect(highestVersion(versions)).toEqual(expected));
  test.each([
    [['0.3.0'], 'highest supported version reported is 0.3.0, must be v1.x'],
    [['2.0.0'], 'could not find a highest supported version'],
    [['new'], 'could not parse "new" as version'],
  ])('%j is refused', (versions, message) => expect(() => highestVersion(versions)).toThrow(message));
});

describe('a claim that grows', () => {
  const claimWith = (status: PersistentVolumeClaim['status'], more: Partial<PersistentVolumeClaim['spec']> = {}) =>
    ({
      metadata: { name: 'c', resourceVersion: '5' },
      spec: { resources: { requests: { storage: '2Gi' } }, accessModes: ['ReadWriteOnce'], ...more },
      status,
    }) as PersistentVolumeClaim;
  const size = Quantity.parse('2Gi');
  const pending = { capacity: { storage: '1Gi' }, allocatedResourceStatuses: { storage: 'NodeResizePending' } };
  const done = { capacity: { storage: '2Gi' }, allocatedResources: { storage: '2Gi' } };

  test.each([
    ['is pending', claimWith(pending), false, { type: 'grow', isTold: false, givesUp: false }],
    ['is not pending yet', claimWith({ capacity: { storage: '1Gi' } }), false, { type: 'wait' }],
    ['is done', claimWith(done), false, { type: 'done' }],
    [
      'is done elsewhere, too',
      claimWith(done, { accessModes: ['ReadWriteMany'] }),
      false,
      { type: 'grow', isTold: true, givesUp: false },
    ],
    [
      'is pending, has failed and is to be another size',
      claimWith(pending, { resources: { requests: { storage: '3Gi' } } }),
      true,
      { type: 'grow', isTold: false, givesUp: true },
    ],
  ])('%s', (_, claim, failedBefore, expected) => expect(permissionOf(claim, size, failedBefore)).toEqual(expected));

  it('is told what has become of it', () => {
    const conditions = [
      { type: 'FileSystemResizePending', status: 'True' },
      { type: 'ModifyingVolume', status: 'True' },
    ];
    expect(finished(claimWith({ ...pending, conditions }), size)).toEqual({
      metadata: { resourceVersion: '5' },
      status: {
        capacity: { storage: '2Gi' },
        allocatedResourceStatuses: { storage: null },
        conditions: [{ $patch: 'delete', type: 'FileSystemResizePending' }],
      },
    });
    const told = failed(claimWith(pending), new Error('no'), true, '2030-01-01T00:00:00Z');
    expect(told).toMatchObject({
      status: {
        allocatedResourceStatuses: { storage: 'NodeResizeInfeasible' },
        conditions: [{ type: 'NodeResizeError', message: 'failed to expand pvc with no' }],
      },
    });
  });
});
