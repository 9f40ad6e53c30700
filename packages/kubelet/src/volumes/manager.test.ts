import { chmod, mkdir, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { notFound } from '@keelson/api/errors';
import type { PodSpec } from '@keelson/api/generated/types/core/v1';
import { Client } from '@keelson/client';
import { FakeTransport } from '@keelson/client/testing/transport';
import { manualWorld } from '@keelson/client/testing/world';
import { MetricsRegistry } from '@keelson/component/metrics/registry';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PodObjects } from '../environment/objects.ts';
import { container, podOf } from '../testing/pods.ts';
import { StorageOperations } from './csi/metrics.ts';
import { VolumeManager } from './manager.ts';
import { PodTokens } from './tokens.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'keelson-volumes-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** @param stored by path, as the API server has them */
function managerWith(stored: Record<string, object> = {}) {
  const data = new Map<string, Record<string, string>>();
  const get = async (_kind: string, _namespace: string, name: string) => {
    const found = data.get(name);
    if (!found) throw notFound({ group: '', resource: 'configmap' }, name);
    return { metadata: { name }, data: found };
  };
  const transport = new FakeTransport(({ path }) => ({ body: stored[path] ?? {}, status: stored[path] ? 200 : 404 }));
  const client = new Client({ transport, component: 'kubelet', world: manualWorld() });
  const registry = new MetricsRegistry();
  const manager = new VolumeManager({
    client,
    recorder: { event: () => {} },
    rootDirectory: root,
    objects: { for: () => ({ get }), release: () => {} } as unknown as PodObjects,
    tokens: new PodTokens(client),
    csi: { mount: () => Promise.reject(new Error('no drivers here')), release: () => Promise.resolve() },
    node: () => undefined,
    hostIps: () => [],
    podIps: () => [],
    operations: new StorageOperations(registry, () => 0),
  });
  return { manager, data, registry };
}

const { signal } = new AbortController();
/** One whose container has them all. */
const podWith = (volumes: NonNullable<PodSpec['volumes']>) => {
  const volumeMounts = volumes.map(({ name }) => ({ name, mountPath: `/${name}` }));
  return podOf({ containers: [container('a', { volumeMounts })], volumes });
};

describe('VolumeManager', () => {
  it('shows a config map, follows it, and keeps what it showed when it goes', async () => {
    const { manager, data, registry } = managerWith();
    const pod = podWith([{ name: 'v', configMap: { name: 'c' } }]);
    await expect(manager.mount(pod, signal)).rejects.toThrow(
      'MountVolume.SetUp failed for volume "v" : configmap "c" not found',
    );
    const file = join(root, 'pods/u1/volumes/kubernetes.io~configmap/v/k');
    for (const k of ['1', '2']) {
      data.set('c', { k });
      await manager.mount(pod, signal);
      expect(await readFile(file, 'utf8')).toBe(k);
    }
    data.delete('c');
    await manager.mount(pod, signal);
    expect(await readFile(file, 'utf8')).toBe('2');
    expect(manager.of('u1').get('v')).toMatchObject({ readOnly: true });
    const of = (status: string) =>
      `migrated="false",operation_name="volume_mount",status="${status}",volume_plugin="kubernetes.io/configmap"`;
    expect((await registry.text()).match(/^storage_operation_duration_seconds_count.*/gm)).toEqual([
      `storage_operation_duration_seconds_count{${of('fail-unknown')}} 2`,
      `storage_operation_duration_seconds_count{${of('success')}} 2`,
    ]);
    await manager.unmount(pod);
    await expect(stat(file)).rejects.toThrow('ENOENT');
    expect(manager.of('u1').size).toBe(0);
  });

  it('makes an empty folder that all may write to, once', async () => {
    const { manager } = managerWith();
    const pod = podWith([{ name: 'v', emptyDir: {} }]);
    await manager.mount(pod, signal);
    const { path } = manager.of('u1').get('v')!;
    expect((await stat(path)).mode & 0o777).toBe(0o777);
    await mkdir(join(path, 'kept'));
    await manager.mount(pod, signal);
    expect((await stat(join(path, 'kept'))).isDirectory()).toBe(true);
  });

  it('leaves an empty folder its sticky bit, which one in memory has', async () => {
    const { manager } = managerWith();
    const pod = podWith([{ name: 'v', emptyDir: {} }]);
    await manager.mount(pod, signal);
    const { path } = manager.of('u1').get('v')!;
    await chmod(path, 0o1777);
    await manager.mount(pod, signal);
    expect((await stat(path)).mode & 0o7777).toBe(0o1777);
  });

  it('finds the path that a claim is bound to', async () => {
    const { manager } = managerWith({
      '/api/v1/namespaces/default/persistentvolumeclaims/c': {
        metadata: { name: 'c', uid: 'c1' },
        spec: { volumeName: 'pv' },
        status: { phase: 'Bound' },
      },
      '/api/v1/persistentvolumes/pv': {
        metadata: { name: 'pv', annotations: { 'pv.beta.kubernetes.io/gid': '9' } },
        spec: { claimRef: { uid: 'c1' }, hostPath: { path: root, type: 'Directory' } },
      },
    });
    const pod = podWith([{ name: 'v', persistentVolumeClaim: { claimName: 'c', readOnly: true } }]);
    await manager.mount(pod, signal);
    expect(manager.of('u1').get('v')).toEqual({ path: root, readOnly: true, group: 9 });
    expect(manager.groups(pod)).toEqual([9]);
  });

  it('does not take what is bound to nothing, or was made for another', async () => {
    const { manager } = managerWith({
      '/api/v1/namespaces/default/persistentvolumeclaims/c': {
        metadata: { name: 'c' },
        spec: {},
        status: { phase: 'Pending' },
      },
      '/api/v1/namespaces/default/persistentvolumeclaims/web-v': {
        metadata: { name: 'web-v' },
        spec: { volumeName: 'pv' },
        status: { phase: 'Bound' },
      },
    });
    const claimed = podWith([{ name: 'v', persistentVolumeClaim: { claimName: 'c' } }]);
    await expect(manager.mount(claimed, signal)).rejects.toThrow(
      'Unable to attach or mount volumes: unmounted volumes=[v], unattached volumes=[], failed to process volumes=[v]: error processing PVC default/c: PVC is not bound',
    );
    const ephemeral = podWith([{ name: 'v', ephemeral: {} }]);
    await expect(manager.mount(ephemeral, signal)).rejects.toThrow(
      'PVC default/web-v was not created for pod default/web (pod is not owner)',
    );
  });
});
