import type { PersistentVolume, PersistentVolumeClaim, Pod } from '@keelson/api/generated/types/core/v1';
import type { TypedObject } from '@keelson/api/object';
import { Client as ApiClient, type Client, type ResourceName } from '@keelson/client';
import { FakeTransport } from '@keelson/client/testing/transport';
import { describe, expect, it } from 'vitest';
import { volumeBinding } from '../plugins/volume-binding.ts';
import { PodInfo } from '../pods/pod-info.ts';
import { TestCluster } from '../testing/cluster.ts';
import { makeNode, makePod } from '../testing/objects.ts';
import { Assumed } from './assumed.ts';
import { VolumeBinder } from './binder.ts';

const storageClass = (name: string, more: object = {}): TypedObject =>
  ({
    metadata: { name },
    provisioner: 'kubernetes.io/no-provisioner',
    volumeBindingMode: 'WaitForFirstConsumer',
    ...more,
  }) as TypedObject;
const claim = (name: string, size = '1Gi', more: object = {}): PersistentVolumeClaim =>
  ({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { namespace: 'default', name, uid: `uid-${name}`, resourceVersion: '5' },
    spec: {
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: size } },
      storageClassName: 'local',
      ...more,
    },
    status: { phase: 'Pending' },
  }) as PersistentVolumeClaim;
const volume = (name: string, size: string, node: string, more: object = {}): PersistentVolume =>
  ({
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name, uid: `uid-${name}`, resourceVersion: '7' },
    spec: {
      capacity: { storage: size },
      accessModes: ['ReadWriteOnce'],
      storageClassName: 'local',
      nodeAffinity: {
        required: {
          nodeSelectorTerms: [
            { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [node] }] },
          ],
        },
      },
      ...more,
    },
    status: { phase: 'Available' },
  }) as PersistentVolume;
const using = (...claims: string[]): Pod =>
  makePod('p', {
    spec: {
      nodeName: 'a',
      volumes: claims.map((claimName, i) => ({ name: `v${i}`, persistentVolumeClaim: { claimName } })),
    },
  });

function clusterOf(
  volumes: readonly PersistentVolume[],
  claims: readonly PersistentVolumeClaim[],
  classes: readonly TypedObject[] = [storageClass('local')],
) {
  const nodes = [makeNode('a'), makeNode('b', { labels: { zone: 'z' } })];
  const cluster = new TestCluster(nodes);
  cluster.put('nodes' as ResourceName, ...nodes);
  return cluster
    .put('persistentvolumes', ...volumes)
    .put('persistentvolumeclaims', ...claims)
    .put('storageclasses.storage.k8s.io', ...classes);
}

describe('volumes of pods', () => {
  const filter = (cluster: TestCluster, pod: Pod) =>
    cluster.filter(volumeBinding({ bindTimeoutSeconds: 1 }, cluster.context), pod);
  const none = "!node(s) didn't find available persistent volumes to bind";
  it('claims that wait get the smallest volume that is large enough', () => {
    const cluster = clusterOf(
      [volume('large', '9Gi', 'a'), volume('small', '2Gi', 'a'), volume('tiny', '1Mi', 'b')],
      [claim('c')],
    );
    expect(filter(cluster, using('c'))).toEqual({ b: none });
    const binder = new VolumeBinder(cluster.context.listers);
    const found = binder.find(binder.claimsOf(using('c')), cluster.snapshot.get('a')!.node!);
    expect(found).toMatchObject({ bindings: [{ volume: { metadata: { name: 'small' } } }], provisions: [] });
  });

  it('two claims do not get the same volume', () => {
    const cluster = clusterOf([volume('one', '2Gi', 'a')], [claim('c'), claim('d')]);
    expect(filter(cluster, using('c', 'd'))).toEqual({ a: none, b: none });
  });

  it('what another pod was promised is taken, until that falls through', () => {
    const cluster = clusterOf([volume('one', '2Gi', 'a')], [claim('c'), claim('d')]);
    const binder = new VolumeBinder(cluster.context.listers);
    const node = cluster.snapshot.get('a')!.node!;
    const find = (name: string) => binder.find(binder.claimsOf(using(name)), node);
    const work = binder.assume(using('c'), 'a', find('c') as never);
    expect(find('d')).toEqual(['unmatched']);
    binder.revert(work as never);
    expect(find('d')).toMatchObject({ bindings: [{ volume: { metadata: { name: 'one' } } }] });
  });

  it('a volume can be made where its class allows it', () => {
    const topology = { allowedTopologies: [{ matchLabelExpressions: [{ key: 'zone', values: ['z'] }] }] };
    const cluster = clusterOf([], [claim('c')], [storageClass('local', { provisioner: 'p', ...topology })]);
    expect(filter(cluster, using('c'))).toEqual({ a: none });
  });

  it('where there is enough of it', () => {
    const cluster = clusterOf([], [claim('c', '5Gi')], [storageClass('local', { provisioner: 'p' })]);
    cluster.put('csidrivers.storage.k8s.io', {
      metadata: { name: 'p' },
      spec: { storageCapacity: true },
    } as TypedObject);
    const capacity = (name: string, size: string, host: string) =>
      ({
        metadata: { name },
        storageClassName: 'local',
        capacity: size,
        nodeTopology: { matchLabels: { 'kubernetes.io/hostname': host } },
      }) as unknown as TypedObject;
    cluster.put('csistoragecapacities.storage.k8s.io', capacity('x', '1Gi', 'a'), capacity('y', '10Gi', 'b'));
    expect(filter(cluster, using('c'))).toEqual({ a: '!node(s) did not have enough free storage' });
  });

  it.each<[string, PersistentVolumeClaim[], string]>([
    ['is not there', [], 'persistentvolumeclaim "c" not found'],
    [
      'does not wait',
      [claim('c', '1Gi', { storageClassName: 'unknown' })],
      'pod has unbound immediate PersistentVolumeClaims',
    ],
    [
      'is lost',
      [{ ...claim('c', '1Gi', { volumeName: 'v' }), status: { phase: 'Lost' } }],
      'persistentvolumeclaim "c" bound to non-existent persistentvolume "v"',
    ],
    [
      'is going away',
      [{ ...claim('c'), metadata: { ...claim('c').metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } }],
      'persistentvolumeclaim "c" is being deleted',
    ],
  ])('a claim that %s', (_, claims, reason) => {
    expect(filter(clusterOf([], claims), using('c'))).toEqual({ a: reason, b: reason });
  });

  it('binds: reserves the volume, selects the node for the one to be made, waits for both', async () => {
    const cluster = clusterOf(
      [volume('v', '2Gi', 'a')],
      [claim('c'), claim('d', '9Gi')],
      [storageClass('local', { provisioner: 'p' })],
    );
    const pod = using('c', 'd');
    cluster.put('pods', pod);
    const transport = new FakeTransport(({ body }) => {
      const sent = JSON.parse(Buffer.from(body!).toString());
      const written = { ...sent, metadata: { ...sent.metadata, resourceVersion: '10' } };
      cluster.put(sent.kind === 'PersistentVolume' ? 'persistentvolumes' : 'persistentvolumeclaims', written);
      return { body: written };
    });
    const client: Client = new ApiClient({ transport, component: 'test', world: cluster.world });
    const binder = new VolumeBinder(cluster.context.listers);
    const found = binder.find(binder.claimsOf(pod), cluster.snapshot.get('a')!.node!);
    const work = binder.assume(pod, 'a', found as never) as Exclude<ReturnType<VolumeBinder['assume']>, 'bound'>;
    let done = false;
    const binding = binder.bind(pod, work, client, 60_000, new AbortController().signal).then(() => {
      done = true;
    });
    await cluster.world.pass(500);
    expect(transport.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'PUT /api/v1/persistentvolumes/v',
      'PUT /api/v1/namespaces/default/persistentvolumeclaims/d',
    ]);
    const sent = transport.requests.map(({ body }) => JSON.parse(Buffer.from(body!).toString()));
    expect(sent[0]).toMatchObject({
      metadata: { annotations: { 'pv.kubernetes.io/bound-by-controller': 'yes' } },
      spec: { claimRef: { kind: 'PersistentVolumeClaim', namespace: 'default', name: 'c', uid: 'uid-c' } },
    });
    expect(sent[1]).toMatchObject({ metadata: { annotations: { 'volume.kubernetes.io/selected-node': 'a' } } });
    expect(done).toBe(false);
    const bound = (each: PersistentVolumeClaim, volumeName: string): PersistentVolumeClaim => ({
      ...each,
      metadata: {
        ...each.metadata,
        resourceVersion: '20',
        annotations: { 'pv.kubernetes.io/bind-completed': 'yes', 'volume.kubernetes.io/selected-node': 'a' },
      },
      spec: { ...each.spec, volumeName },
    });
    cluster.put('persistentvolumes', volume('made', '9Gi', 'a'));
    cluster.put('persistentvolumeclaims', bound(claim('c'), 'v'), bound(claim('d'), 'made'));
    await cluster.world.pass(2000);
    await binding;
    expect(done).toBe(true);
  });

  it('gives up what is not bound in time', async () => {
    const cluster = clusterOf([volume('v', '2Gi', 'a')], [claim('c')]);
    const pod = using('c');
    cluster.put('pods', pod);
    const transport = new FakeTransport(({ body }) => {
      const sent = JSON.parse(Buffer.from(body!).toString());
      return { body: { ...sent, metadata: { ...sent.metadata, resourceVersion: '10' } } };
    });
    const client: Client = new ApiClient({ transport, component: 'test', world: cluster.world });
    const plugin = volumeBinding({ bindTimeoutSeconds: 1 }, { ...cluster.context, writer: { client } as never });
    const info = new PodInfo(pod);
    const { state } = plugin.preFilter!(info, []) as { state: never };
    plugin.filter!(info, cluster.snapshot.get('a')!, state);
    plugin.reserve!(info, 'a', state);
    expect(plugin.hasPreBind!(info, 'a', state)).toBe(true);
    const binding = expect(plugin.preBind!(info, 'a', state, new AbortController().signal)).rejects.toThrow(
      'binding volumes: context deadline exceeded',
    );
    await cluster.world.pass(3000);
    await binding;
  });

  it('assumptions hold until something newer is seen', () => {
    const cluster = clusterOf([volume('v', '1Gi', 'a')], []);
    const volumes = new Assumed(cluster.context.listers('persistentvolumes'));
    const assumed = { ...volume('v', '1Gi', 'a'), status: { phase: 'Bound' } };
    volumes.assume(assumed);
    expect(volumes.get('v')).toBe(assumed);
    expect([...volumes.values()]).toEqual([assumed]);
    const newer = volume('v', '2Gi', 'a');
    cluster.put('persistentvolumes', { ...newer, metadata: { ...newer.metadata, resourceVersion: '8' } });
    expect(volumes.get('v')!.spec.capacity!.storage).toBe('2Gi');
  });
});
